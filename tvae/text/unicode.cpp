#include "tvae/text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace tvae {
namespace {

utf8proc_category_t category(int32_t point) {
  return utf8proc_category(point);
}

}  // namespace

Character first_character(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  if (byte < 0x80) return {byte, 1};
  constexpr int32_t kReplacement = 0xFFFD;
  int32_t point = 0;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &point);
  return length > 0 ? Character{point, static_cast<size_t>(length)} : Character{kReplacement, 1};
}

void append_character(std::string& text, int32_t point) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(point, bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

bool is_letter(int32_t point) {
  const auto found = category(point);
  return found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO;
}

bool is_number(int32_t point) {
  const auto found = category(point);
  return found >= UTF8PROC_CATEGORY_ND && found <= UTF8PROC_CATEGORY_NO;
}

bool is_nonspacing_mark(int32_t point) {
  return category(point) == UTF8PROC_CATEGORY_MN;
}

bool is_punctuation(int32_t point) {
  const auto found = category(point);
  return found >= UTF8PROC_CATEGORY_PC && found <= UTF8PROC_CATEGORY_PO;
}

bool is_control(int32_t point) {
  const auto found = category(point);
  return found >= UTF8PROC_CATEGORY_CC && found <= UTF8PROC_CATEGORY_CO;
}

// utf8proc does not tell this property: the spaces and separators (Z), without U+200B, and six controls.
bool is_white_space(int32_t point) {
  if ((point >= '\t' && point <= '\r') || point == 0x85) return true;
  const auto found = category(point);
  return found >= UTF8PROC_CATEGORY_ZS && found <= UTF8PROC_CATEGORY_ZP;
}

std::string decomposed(std::string_view text) {
  utf8proc_uint8_t* made = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &made, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(made, &std::free);
  if (length < 0) throw std::bad_alloc();  // the text is valid, so that memory is all that can lack
  return {reinterpret_cast<const char*>(made), static_cast<size_t>(length)};
}

void append_lower_case(std::string& text, int32_t point) {
  constexpr int32_t kDottedI = 0x130;  // the one character whose lower case is two
  if (point == kDottedI)
    text += "i\u0307";
  else
    append_character(text, utf8proc_tolower(point));
}

}  // namespace tvae
