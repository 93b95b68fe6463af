// Progress on stderr: on a terminal one line that redraws itself, otherwise a plain line at each logged step.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tvae/train/metric_log.h"

namespace tvae {

class ProgressBar {
 public:
  /// `steps_done` is where a resumed run begins: the time left is judged from the steps taken since.
  ProgressBar(int64_t total_steps, int64_t steps_done);
  /// Clears the bar's line, whatever the reason for leaving.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Call after every step: moves the bar, at most ten times a second. Nothing where there is no terminal.
  void update(int64_t step);
  /// Call at logged steps: the numbers to show beside the bar, or the plain line.
  void log(int64_t step, const Metrics& metrics);
  /// Takes the bar away until the next update() draws it again. log.h's lines need no clear(): they overwrite it.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void draw();
  std::string time_left() const;

  int64_t total_steps_, first_step_, step_;
  Clock::time_point start_, last_drawn_;
  std::string numbers_;
  bool visible_ = false;
};

/// "loss 2.31  cross_entropy 2.2": names and values for people, four significant digits.
std::string describe(const Metrics& metrics);
/// "3s", "2m05s", "1h07m".
std::string describe_duration(double seconds);

}  // namespace tvae
