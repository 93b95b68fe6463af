// What is wrong with a command line, in one line: what was got, and the order of arguments that was expected.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace tvae::apps {

/// Of a command line that CLI11 refused.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

/// Of one that it took although an argument before a verb is missing, as MODEL is in `tvae direction list`; nullopt
/// where none is.
std::optional<std::string> missing_argument(const CLI::App& app);

}  // namespace tvae::apps
