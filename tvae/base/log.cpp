#include "tvae/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "tvae/base/printable.h"

namespace tvae {
namespace {
std::atomic<LogLevel> current_level{LogLevel::kNormal};
std::atomic<LogHandler> handler{nullptr};

// On a terminal a progress bar may stand on this line: start over and erase it.
void print(LogLevel least, bool warning, const std::string& message) {
  if (const LogHandler handle = handler) return handle(least, warning, message);
  const std::string line = printable_line(warning ? "warning: " + message : message);
  std::fprintf(stderr, "%s%s\n", stderr_is_terminal() ? "\r\033[K" : "", line.c_str());
}
}  // namespace

void set_log_level(LogLevel level) {
  current_level = level;
}
LogLevel log_level() {
  return current_level;
}

void log_info(const std::string& message) {
  if (current_level != LogLevel::kQuiet) print(LogLevel::kNormal, false, message);
}
void log_verbose(const std::string& message) {
  if (current_level == LogLevel::kVerbose) print(LogLevel::kVerbose, false, message);
}
void log_warning(const std::string& message) {
  print(LogLevel::kQuiet, true, message);
}

void set_log_handler(LogHandler receiver) {
  handler = receiver;
}

bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) != 0;
}

}  // namespace tvae
