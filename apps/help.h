// What --help shows, at 80 columns, and the order of a verb's arguments, which errors show too.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tvae::apps {

/// The group of the flags that every verb takes: shown last, and for the verbs below a verb too.
constexpr const char* kCommonGroup = "Flags of every verb";

/// "tvae direction MODEL apply [FILE] --name NAME [flags]".
std::string usage_of(const CLI::App& command);

/// The text in lines of at most 80 characters, each after `indent` blanks and those that its paragraph
/// begins with, whose further lines stand behind more. A line end in the text ends a paragraph.
std::string wrapped(const std::string& text, size_t indent = 0);

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* command, std::string name, CLI::AppFormatMode mode) const override;
};

}  // namespace tvae::apps
