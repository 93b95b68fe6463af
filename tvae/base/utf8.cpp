#include "tvae/base/utf8.h"

namespace tvae {
namespace {

/// The character (or the malformed part) that a text starts with.
struct Prefix {
  size_t length;
  bool valid;
};

// Table 3-7 of the Unicode standard: the first byte gives the length and the range of the second byte. A malformed part
// is the longest start of a character that could still have become one ("maximal subpart"), or one byte.
Prefix first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  unsigned char low = 0x80, high = 0xBF;
  if (first == 0xE0) low = 0xA0;   // overlong
  if (first == 0xED) high = 0x9F;  // surrogates
  if (first == 0xF0) low = 0x90;   // overlong
  if (first == 0xF4) high = 0x8F;  // above U+10FFFF
  for (size_t i = 1; i < length; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Prefix prefix = first_character(bytes);
    if (!prefix.valid) return false;
    bytes.remove_prefix(prefix.length);
  }
  return true;
}

std::vector<std::string_view> utf8_characters(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const Prefix prefix = first_character(text);
    characters.push_back(text.substr(0, prefix.valid ? prefix.length : 1));
    text.remove_prefix(characters.back().size());
  }
  return characters;
}

std::string repair_utf8(std::string_view bytes) {
  std::string repaired;
  while (!bytes.empty()) {
    const Prefix prefix = first_character(bytes);
    repaired += prefix.valid ? bytes.substr(0, prefix.length) : "\uFFFD";
    bytes.remove_prefix(prefix.length);
  }
  return repaired;
}

}  // namespace tvae
