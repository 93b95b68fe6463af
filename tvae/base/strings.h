// Small helpers for text that error messages and lists share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, const std::string& separator);
std::string strip(std::string_view text);
/// Whether carriage returns alone end the lines of a text: it has one before its last character, and no line feeds.
bool ends_lines_by_returns(std::string_view text);
/// With the letters A to Z as a to z.
std::string lower_case(std::string text);

/// "1 line", "2 lines".
std::string counted(int64_t count, const std::string& noun);
inline std::string counted(size_t count, const std::string& noun) {
  return counted(static_cast<int64_t>(count), noun);
}

/// RFC 4648, padded.
std::string base64(std::string_view bytes);

/// Levenshtein distance in bytes.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word` by edit distance, for "did you mean"; empty when nothing is near.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

/// "did you mean X?" or, where nothing is near, "one of: A, B, C".
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace tvae
