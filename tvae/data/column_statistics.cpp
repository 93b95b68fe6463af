#include "tvae/data/column_statistics.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace tvae {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number(const std::string& value) {
  if (value.empty()) return false;
  char* end = nullptr;
  std::strtod(value.c_str(), &end);
  return *end == '\0';
}

}  // namespace

bool is_letterless(const std::string& value) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0; };
  return !value.empty() && std::none_of(value.begin(), value.end(), is_letter);
}

ColumnStatistics statistics_of(const std::vector<std::string>& values) {
  ColumnStatistics s;
  std::unordered_set<std::string_view> distinct;
  std::vector<size_t> lengths;
  double bytes = 0, digits = 0;
  for (const std::string& value : values) {
    if (value.empty()) continue;
    const auto digits_here = static_cast<double>(std::count_if(value.begin(), value.end(), is_digit));
    distinct.insert(value);
    lengths.push_back(value.size());
    bytes += static_cast<double>(value.size());
    digits += digits_here;
    s.with_digits += digits_here > 0;
    s.numbers += is_number(value);
    s.letterless += is_letterless(value) || is_number(value);
    s.addresses += value.starts_with("http://") || value.starts_with("https://") || value.starts_with("www.");
    s.several_words += value.find(' ') != std::string::npos;
  }
  if (lengths.empty()) return s;
  s.filled = static_cast<double>(lengths.size());
  s.distinct = static_cast<double>(distinct.size());
  s.length = bytes / s.filled;
  s.digits = digits / bytes;
  for (double* share : {&s.numbers, &s.letterless, &s.with_digits, &s.addresses, &s.several_words}) *share /= s.filled;
  std::sort(lengths.begin(), lengths.end());
  s.short_length = lengths[lengths.size() / 50];
  s.long_length = lengths[lengths.size() - 1 - lengths.size() / 50];
  return s;
}

bool is_label(const ColumnStatistics& s) {
  if (s.digits > 0.4 && s.length >= 6) return false;  // dates, numbers of accounts
  return s.filled >= 10 && s.distinct >= 2 && s.distinct <= std::min(200.0, s.filled / 4) && s.length <= 40;
}

bool is_text(const ColumnStatistics& s) {
  const bool dates = s.digits > 0.4 && s.several_words < 0.5 && s.length >= 6;  // numbers of accounts, too
  return s.filled > 0 && s.numbers < 0.5 && s.addresses < 0.5 && !dates && s.distinct > s.filled / 20;
}

}  // namespace tvae
