// Progress on stderr: on a terminal one line that redraws itself, otherwise a plain line at each logged step.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tvae/train/observer.h"

namespace tvae::apps {

class ProgressBar : public TrainingObserver {
 public:
  ProgressBar() = default;
  /// Clears the bar's line, whatever the reason for leaving.
  ~ProgressBar() override;
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// The time left is judged from the steps taken from here on.
  void on_train_begin(int64_t steps_done, int64_t total_steps) override;
  /// Moves the bar, at most ten times a second. Nothing where there is no terminal.
  void on_step_end(int64_t step) override;
  /// The numbers to show beside the bar, or the plain line.
  void on_log(int64_t step, const Metrics& metrics) override;
  void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) override { on_log(step, evaluation.metrics); }
  void on_train_end(int64_t step) override;

 private:
  using Clock = std::chrono::steady_clock;
  void draw();
  /// Takes the bar away. The lines of log.h need no clear(): they overwrite the bar, which the next step draws again.
  void clear();
  std::string time_left() const;

  int64_t total_steps_ = 0, first_step_ = 0, step_ = 0;
  Clock::time_point start_, last_drawn_;
  std::string numbers_;
  bool visible_ = false;
};

/// "loss 2.31  cross_entropy 2.2": names and values for people, four significant digits.
std::string describe(const Metrics& metrics);
/// "3s", "2m05s", "1h07m".
std::string describe_duration(double seconds);

}  // namespace tvae::apps
