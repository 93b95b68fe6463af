#include "tests/fuzz/fuzz.h"
#include "tvae/base/bytes.h"
#include "tvae/base/utf8.h"
#include "tvae/data/reader.h"

/// Bytes of any kind as text: characters, repair, escapes, one line of a message, an amount of memory.
TVAE_FUZZ(text) {
  const std::string text(data), repaired = tvae::repair_utf8(data);
  std::string joined;
  for (const std::string_view character : tvae::utf8_characters(data)) joined += character;
  TVAE_ASSERT(joined == text, "characters are lost");
  TVAE_ASSERT(tvae::is_valid_utf8(repaired), "a repaired text is no UTF-8");
  TVAE_ASSERT((repaired == text) == tvae::is_valid_utf8(data), "UTF-8 is repaired, or what is none is not");

  const std::string line = tvae::printable_line(data);
  TVAE_ASSERT(tvae::is_valid_utf8(line) && tvae::printable_line(line) == line, "a line that is not printable");

  const std::string escaped = tvae::escape_line(text);
  TVAE_ASSERT(escaped.find_first_of("\n\t") == std::string::npos, "an escaped text is not one field of one line");
  TVAE_ASSERT(tvae::unescape_line(escaped) == text, "an escaped text does not read back");
  tvae::unescape_line(text);

  if (const auto amount = tvae::parse_bytes(data)) TVAE_ASSERT(*amount > 0, "an amount that is not positive");
}
