#include "tvae/eval/tfidf.h"

#include <locale.h>

#include <clocale>
#include <cmath>
#include <cwctype>
#include <set>

#include "tvae/base/assert.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

/// What is a letter in any script, whatever the user's own locale.
locale_t unicode_locale() {
  static const locale_t locale = [] {
    const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return unicode != nullptr ? unicode : newlocale(LC_CTYPE_MASK, "C", nullptr);
  }();
  return locale;
}

/// The code point of one character of valid UTF-8.
wint_t code_point(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  const size_t length = character.size();
  wint_t point = length == 1 ? byte(0) : byte(0) & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) point = point << 6 | (byte(i) & 0x3fu);
  return point;
}

std::string utf8(wint_t point) {
  if (point < 0x80) return {static_cast<char>(point)};
  const auto tail = [point](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  size_t length = 0;
  const auto finish = [&] {
    if (length >= 2) words.push_back(word);
    word.clear();
    length = 0;
  };
  for (const std::string_view character : utf8_characters(text)) {
    const wint_t point = code_point(character);
    if (point != '_' && !iswalnum_l(point, unicode_locale())) {
      finish();
      continue;
    }
    word += utf8(towlower_l(point, unicode_locale()));
    ++length;
  }
  finish();
  return words;
}

TfIdf::TfIdf(const std::vector<std::string>& texts) {
  std::map<std::string, int64_t> texts_with;
  for (const std::string& text : texts) {
    const std::vector<std::string> words = words_of(text);
    for (const std::string& word : std::set<std::string>(words.begin(), words.end())) ++texts_with[word];
  }
  for (const auto& [word, count] : texts_with) {
    columns_.emplace_hint(columns_.end(), word, static_cast<int32_t>(columns_.size()));
    weights_.push_back(std::log((1.0 + static_cast<double>(texts.size())) / (1.0 + static_cast<double>(count))) + 1.0);
  }
}

std::vector<FeatureRow> TfIdf::rows(const std::vector<std::string>& texts) const {
  std::vector<FeatureRow> rows;
  for (const std::string& text : texts) {
    std::map<int32_t, double> values;
    for (const std::string& word : words_of(text))
      if (const auto found = columns_.find(word); found != columns_.end())
        values[found->second] += weights_[static_cast<size_t>(found->second)];
    double squares = 0.0;
    for (const auto& [column, value] : values) squares += value * value;
    FeatureRow& row = rows.emplace_back(values.begin(), values.end());
    for (auto& [column, value] : row) value /= std::sqrt(squares);
  }
  return rows;
}

}  // namespace tvae
