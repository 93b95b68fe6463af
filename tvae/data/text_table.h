// Small tab-separated files: pairs of texts, and texts with a number.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tvae {

/// Two texts a line with a tab between them; "-" is stdin; with `escapes` \n, \t and \\ stand for newline, tab and
/// backslash. Throws DataError, naming the line, where one is something else, and where there are none.
std::vector<std::pair<std::string, std::string>> read_text_pairs(const std::string& path, bool escapes);

struct TextValues {
  std::vector<std::string> texts;
  std::vector<double> values;
};
/// Text, tab, finite number a line; empty lines are passed over, and a first line that names the column "text" is a
/// header. Of a text that comes again the first number counts; another one is warned of. Throws DataError, naming the
/// line, where a number is missing, or so large or small that its square is lost; and where there are no texts.
TextValues read_text_values(const std::string& path, bool escapes);

}  // namespace tvae
