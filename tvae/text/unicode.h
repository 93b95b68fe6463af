// Properties of Unicode characters (Unicode 15, by utf8proc), as Hugging Face's tokenizers ask for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tvae {

/// A character of a text. A byte that is no UTF-8 is a character by itself, U+FFFD, of one byte.
struct Character {
  int32_t point;
  size_t length;  // in bytes
};
/// The first character of a text that is not empty.
Character first_character(std::string_view text);
void append_character(std::string& text, int32_t point);

// General categories: \p{L}, \p{N}, Mn, P.
bool is_letter(int32_t point);
bool is_number(int32_t point);
bool is_nonspacing_mark(int32_t point);
bool is_punctuation(int32_t point);
/// Control, format or private; not where there is no character yet (Cn).
bool is_control(int32_t point);
/// The property White_Space.
bool is_white_space(int32_t point);

/// Canonical decomposition (NFD) of valid UTF-8.
std::string decomposed(std::string_view text);
/// Appends the lower case of a character: of one at a time, without regard to its neighbours.
void append_lower_case(std::string& text, int32_t point);

}  // namespace tvae
