// Progress and warnings on stderr. Results never go through here: they belong to stdout.
#pragma once

#include <string>

namespace tvae {

enum class LogLevel { kQuiet, kNormal, kVerbose };

void set_log_level(LogLevel level);
LogLevel log_level();

/// A line of progress; hidden by --quiet.
void log_info(const std::string& message);
/// A line only --verbose shows.
void log_verbose(const std::string& message);
/// Something the user should know; shown even with --quiet, prefixed "warning: ".
void log_warning(const std::string& message);

/// Receives every line instead of stderr; nullptr = stderr again. A front end that shows messages in its own way sets
/// it once, before it calls anything else.
using LogHandler = void (*)(LogLevel least, bool warning, const std::string& message);
void set_log_handler(LogHandler handler);

/// Whether stderr is a terminal, so that a progress bar may redraw its line.
bool stderr_is_terminal();

}  // namespace tvae
