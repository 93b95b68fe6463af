// What --help shows, at 80 columns, and the order of a verb's arguments, which errors show too.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tvae::apps {

/// The group of the flags that every verb takes: shown last, and for the verbs below a verb too.
constexpr const char* kCommonGroup = "Flags of every verb";

/// "tvae direction MODEL apply [FILE] --name NAME [flags]".
std::string usage_of(const CLI::App& command);

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* command, std::string name, CLI::AppFormatMode mode) const override;
};

}  // namespace tvae::apps
