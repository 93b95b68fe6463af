// Text as lines of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tvae {

/// Characters that a terminal has room for in a line.
inline constexpr size_t kTerminalWidth = 80;

/// The text in lines of at most kTerminalWidth characters, each after `indent` blanks and those that its paragraph
/// begins with, but for the further ones of a paragraph that begins with blanks, which stand behind `further` more. A
/// line end in the text ends a paragraph.
std::string wrapped(const std::string& text, size_t indent = 0, size_t further = 4);

/// The lines of "topic    what there is to say", the further ones below the second part, which begins at a column.
std::vector<std::string> wrapped_entry(const std::string& text, size_t column);

}  // namespace tvae
