// Where a training stands, in words, on stderr: on a terminal one line that redraws itself, otherwise some
// forty plain lines. The dozen figures of a step are in the run's logs, and shown with --verbose.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
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

  /// The time left is judged from all the steps of a run, those before it was resumed too.
  void on_train_begin(int64_t steps_done, int64_t total_steps, double seconds_done) override;
  void on_new_plan(int64_t total_steps) override { total_steps_ = total_steps; }
  /// Moves the bar, at most ten times a second. Nothing where there is no terminal.
  void on_step_end(int64_t step) override;
  /// What stands beside the bar, or the plain line.
  void on_log(int64_t step, const Metrics& metrics) override;
  /// A held-out text, what came back, and a path from it to another.
  void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) override;
  void on_train_end(int64_t step) override;

 private:
  using Clock = std::chrono::steady_clock;
  void draw();
  /// Takes the bar away. The lines of log.h need no clear(): they overwrite the bar, which the next step draws again.
  void clear();
  std::string time_left() const;
  /// "52%, 5m10s left, 91% of tokens right, rate 78 (target 58)".
  std::string standing() const;

  int64_t total_steps_ = 0, step_ = 0;
  double seconds_before_ = 0.0;
  Clock::time_point start_, last_drawn_;
  int64_t next_line_ = 0;                                  // the step of the next plain line
  std::optional<double> loss_, rate_, target_, accuracy_;  // as they were told last
  bool visible_ = false;
};

/// "loss 2.31  cross_entropy 2.2": names and values for people, four significant digits.
std::string describe(const Metrics& metrics);
/// "3s", "2m05s", "1h07m".
std::string describe_duration(double seconds);

}  // namespace tvae::apps
