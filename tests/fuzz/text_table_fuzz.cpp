#include <cmath>

#include "tests/fuzz/fuzz.h"
#include "tvae/base/log.h"
#include "tvae/base/utf8.h"
#include "tvae/data/text_table.h"

/// Pairs of texts, and texts with a number; the first byte chooses.
TVAE_FUZZ(text_table) {
  tvae::set_log_handler([](tvae::LogLevel, bool, const std::string&) {});
  const unsigned choice = tvae::test::take_byte(data);
  const char* names[] = {"table.tsv", "table.csv", "table.jsonl", "table"};
  const tvae::ReadOptions options{.escapes = (choice & 2) != 0, .quotes = (choice & 16) != 0};
  const std::string path = tvae::test::scratch().put(names[choice >> 2 & 3], std::string(data));
  if ((choice & 1) == 0) {
    for (const auto& [a, b] : tvae::read_text_pairs(path, options))
      TVAE_ASSERT(tvae::is_valid_utf8(a) && tvae::is_valid_utf8(b), "a text that is no UTF-8");
    return;
  }
  const tvae::TextValues table = tvae::read_text_values(path, options);
  TVAE_ASSERT(!table.texts.empty() && table.values.size() == table.texts.size(), "texts without a number");
  for (const double value : table.values) TVAE_ASSERT(std::isfinite(value * value), "a number that is not usable");
  for (const std::string& text : table.texts) TVAE_ASSERT(tvae::is_valid_utf8(text), "a text that is no UTF-8");
}
