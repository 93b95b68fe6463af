#include "tvae/base/wrap.h"

#include <algorithm>

#include "tvae/base/strings.h"

namespace tvae {

std::string wrapped(const std::string& text, size_t indent, size_t further) {
  std::string lines;
  for (const std::string& paragraph : split(text, '\n')) {
    const size_t own = std::min(paragraph.find_first_not_of(' '), paragraph.size());
    std::string before(indent + own, ' ');
    std::string line;
    for (const std::string& word : split(paragraph.substr(own), ' ')) {
      if (!line.empty() && before.size() + line.size() + 1 + word.size() > kTerminalWidth) {
        lines += before + line + "\n";
        line.clear();
        if (own > 0) before = std::string(indent + own + further, ' ');
      }
      line += (line.empty() ? "" : " ") + word;
    }
    lines += (line.empty() ? "" : before + line) + "\n";
  }
  return lines;
}

std::vector<std::string> wrapped_entry(const std::string& text, size_t column) {
  if (text.size() <= column) return {text};
  std::vector<std::string> lines = split(wrapped(text.substr(column), column), '\n');
  lines.pop_back();
  lines.front() = text.substr(0, column) + lines.front().substr(column);
  return lines;
}

}  // namespace tvae
