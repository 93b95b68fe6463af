#include "apps/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

#include "tvae/base/log.h"
#include "tvae/base/printable.h"
#include "tvae/base/utf8.h"
#include "tvae/base/wrap.h"

namespace tvae::apps {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
constexpr int64_t kBarWidth = 12;
constexpr int64_t kMostLines = 40;  // that tell of a run without a terminal

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kTerminalWidth;
}

/// At most so many characters of a text, in one line.
std::string shortened(const std::string& text, size_t most) {
  const std::string line = printable_line(text);
  const std::vector<std::string_view> characters = utf8_characters(line);
  if (characters.size() <= most) return line;
  return line.substr(0, static_cast<size_t>(characters[most - 1].data() - line.data())) + "…";
}

std::optional<double> value_of(const Metrics& metrics, const std::string& name) {
  for (const auto& [key, value] : metrics)
    if (key == name) return value;
  return std::nullopt;
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", std::abs(value) < 10 ? 1 : 0, value);
  return text;
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

void ProgressBar::on_train_begin(int64_t steps_done, int64_t total_steps, double seconds_done) {
  total_steps_ = total_steps;
  step_ = steps_done;
  seconds_before_ = seconds_done;
  start_ = Clock::now();
}

void ProgressBar::on_step_end(int64_t step) {
  step_ = step;
  if (draws_bar() && (step == total_steps_ || Clock::now() - last_drawn_ >= kRedrawInterval)) draw();
}

void ProgressBar::on_log(int64_t step, const Metrics& metrics) {
  step_ = step;
  loss_ = value_of(metrics, "cross_entropy");
  rate_ = value_of(metrics, "kl");
  target_ = value_of(metrics, "kl_target");
  log_verbose(describe(metrics));
  if (draws_bar()) return draw();
  if (step < next_line_ && step < total_steps_) return;
  next_line_ = step + total_steps_ / kMostLines;
  log_info("step " + std::to_string(step_) + " of " + std::to_string(total_steps_) + ": " + standing());
}

void ProgressBar::on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) {
  step_ = step;
  accuracy_ = evaluation.scores.token_accuracy;
  log_verbose(describe(evaluation.metrics));
  log_info("step " + std::to_string(step_) + " of " + std::to_string(total_steps_) + ", held out: " + standing());
  const std::vector<PreviewText>& path = evaluation.preview.interpolation;  // a text, its path of 11, the other text
  if (path.empty()) return;
  const auto show = [](const std::string& name, const PreviewText& shown) {
    log_info("  " + name + "  " + shortened(shown.text, kTerminalWidth - 8));
  };
  show("text", path.front());
  show("back", path[1]);
  for (const size_t at : {4, 6, 8}) show(" " + rounded(path[at].ratio), path[at]);
  show("back", path[path.size() - 2]);
  show("text", path.back());
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
                     std::string(static_cast<size_t>(kBarWidth - filled), '.') + "] " + standing();
  // A line that wraps could not be redrawn.
  line.resize(std::min(line.size(), terminal_width() - 1));
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  std::fflush(stderr);
  visible_ = true;
  last_drawn_ = Clock::now();
}

std::string ProgressBar::time_left() const {
  if (step_ == 0) return "time left unknown";
  const double seconds = seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count();
  return describe_duration(seconds / static_cast<double>(step_) * static_cast<double>(total_steps_ - step_)) + " left";
}

std::string ProgressBar::standing() const {
  std::string text = std::to_string(total_steps_ > 0 ? 100 * step_ / total_steps_ : 0) + "%, " + time_left();
  if (accuracy_)
    text += ", " + rounded(100 * *accuracy_) + "% of tokens right";
  else if (loss_)
    text += ", " + rounded(*loss_) + " nats a token";
  if (rate_) text += ", rate " + rounded(*rate_) + (target_ ? " (target " + rounded(*target_) + ")" : "");
  return text;
}

}  // namespace tvae::apps
