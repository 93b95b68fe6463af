#include "tvae/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace tvae {
namespace {
std::atomic<LogLevel> current_level{LogLevel::kNormal};
// On a terminal a progress bar may stand on this line: start over and erase it.
void print(const std::string& line) {
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
  if (current_level != LogLevel::kQuiet) print(message);
}
void log_verbose(const std::string& message) {
  if (current_level == LogLevel::kVerbose) print(message);
}
void log_warning(const std::string& message) {
  print("warning: " + message);
}

bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) != 0;
}

}  // namespace tvae
