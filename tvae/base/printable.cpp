#include "tvae/base/printable.h"

#include <array>
#include <cstdio>

#include "tvae/base/utf8.h"

namespace tvae {
namespace {

std::string escaped(const char* format, unsigned value) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// The code point of a valid character of two or three bytes; 0 of any other.
unsigned code_point(std::string_view character) {
  const auto bits = [&](size_t i) { return static_cast<unsigned char>(character[i]) & 0x3fu; };
  if (character.size() == 2) return (static_cast<unsigned char>(character[0]) & 0x1fu) << 6 | bits(1);
  if (character.size() == 3) return (static_cast<unsigned char>(character[0]) & 0x0fu) << 12 | bits(1) << 6 | bits(2);
  return 0;
}

/// C1 controls, line and paragraph separator, and the marks of the bidirectional algorithm (Unicode 15, UAX 9).
bool disturbs_a_line(unsigned code) {
  return (code >= 0x80 && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x200e || code == 0x200f;
}

}  // namespace

std::string printable_line(std::string_view bytes) {
  const std::string repaired = repair_utf8(bytes);  // which the characters are views of
  std::string line;
  for (const std::string_view character : utf8_characters(repaired)) {
    const auto byte = static_cast<unsigned char>(character.front());
    if (byte == '\n' || byte == '\r' || byte == '\t')
      line += ' ';
    else if (byte < 0x20 || byte == 0x7f)
      line += escaped("\\x%02x", byte);
    else if (const unsigned code = code_point(character); disturbs_a_line(code))
      line += escaped("\\u%04x", code);
    else
      line += character;
  }
  return line;
}

}  // namespace tvae
