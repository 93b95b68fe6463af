#include "apps/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tvae/base/log.h"

namespace tvae::apps {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
constexpr int64_t kBarWidth = 24;

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool draws_bar() {
  return stderr_is_terminal() && log_level() != LogLevel::kQuiet;
}

}  // namespace

std::string describe(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) {
    char number[32];
    std::snprintf(number, sizeof number, std::abs(value) >= 1000 ? "%.0f" : "%.4g", value);
    text += (text.empty() ? "" : "  ") + name + " " + number;
  }
  return text;
}

std::string describe_duration(double seconds) {
  const int64_t whole = std::llround(std::max(0.0, seconds));
  char text[32];
  if (whole < 60)
    std::snprintf(text, sizeof text, "%ds", static_cast<int>(whole));
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%dm%02ds", static_cast<int>(whole / 60), static_cast<int>(whole % 60));
  else
    std::snprintf(text, sizeof text, "%ldh%02dm", static_cast<long>(whole / 3600), static_cast<int>(whole / 60 % 60));
  return text;
}

ProgressBar::~ProgressBar() {
  clear();
}

void ProgressBar::on_train_begin(int64_t steps_done, int64_t total_steps) {
  total_steps_ = total_steps;
  first_step_ = step_ = steps_done;
  start_ = Clock::now();
}

void ProgressBar::on_step_end(int64_t step) {
  step_ = step;
  if (draws_bar() && (step == total_steps_ || Clock::now() - last_drawn_ >= kRedrawInterval)) draw();
}

void ProgressBar::on_log(int64_t step, const Metrics& metrics) {
  step_ = step;
  numbers_ = describe(metrics);
  if (draws_bar())
    draw();
  else
    log_info("step " + std::to_string(step_) + "/" + std::to_string(total_steps_) + "  " + numbers_ + "  " +
             time_left());
}

void ProgressBar::on_train_end(int64_t) {
  clear();
}

void ProgressBar::clear() {
  if (!visible_) return;
  std::fputs("\r\033[K", stderr);  // to the line's start; erase to its end
  std::fflush(stderr);
  visible_ = false;
}

void ProgressBar::draw() {
  const int64_t filled = total_steps_ > 0 ? std::clamp<int64_t>(kBarWidth * step_ / total_steps_, 0, kBarWidth) : 0;
  std::string line = "[" + std::string(static_cast<size_t>(filled), '#') +
                     std::string(static_cast<size_t>(kBarWidth - filled), '.') + "] " + std::to_string(step_) + "/" +
                     std::to_string(total_steps_) + "  " + time_left() + "  " + numbers_;
  // A line that wraps could not be redrawn.
  line.resize(std::min(line.size(), terminal_width() - 1));
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  std::fflush(stderr);
  visible_ = true;
  last_drawn_ = Clock::now();
}

std::string ProgressBar::time_left() const {
  const int64_t taken = step_ - first_step_;
  if (taken <= 0) return "time left unknown";
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return describe_duration(seconds / static_cast<double>(taken) * static_cast<double>(total_steps_ - step_)) + " left";
}

}  // namespace tvae::apps
