#include <array>

#include "tests/fuzz/fuzz.h"
#include "tvae/base/utf8.h"
#include "tvae/data/reader.h"

/// The first byte chooses the name of the file, the second the options.
TVAE_FUZZ(rows) {
  constexpr std::array kNames = {"lines.txt", "table.csv", "table.tsv", "rows.json", "rows.jsonl", "unknown"};
  const std::string name = kNames[tvae::test::take_byte(data) % kNames.size()];
  const unsigned choice = tvae::test::take_byte(data);
  tvae::ReadOptions options;
  options.column = std::array{"", "text", "smiles", "2"}[choice & 3];
  options.label_column = (choice & 4) != 0 ? "label" : "";
  options.escapes = (choice & 8) != 0;
  options.strict = (choice & 16) != 0;
  options.keep_empty = (choice & 32) != 0;
  options.quotes = (choice & 64) != 0;
  options.fit = (choice & 128) != 0;

  const tvae::Rows rows = tvae::parse_rows(name, std::string(data), options);
  TVAE_ASSERT(!rows.texts.empty(), "no rows and no error");
  const bool lines = options.fit && rows.labels.empty();  // which have none
  TVAE_ASSERT(lines || rows.labels.size() == (options.label_column.empty() ? 0 : rows.texts.size()),
              "rows without a label");
  TVAE_ASSERT(rows.bad_count >= static_cast<int64_t>(rows.bad.size()), "bad rows are not counted");
  TVAE_ASSERT(!options.strict || rows.bad_count == 0, "a bad row passes");
  for (const std::string& text : rows.texts) {
    TVAE_ASSERT(tvae::is_valid_utf8(text), "a text that is no UTF-8");
    TVAE_ASSERT(options.keep_empty || !text.empty(), "an empty text");
  }
  for (const std::string& label : rows.labels) TVAE_ASSERT(tvae::is_valid_utf8(label), "a label that is no UTF-8");
  tvae::describe_reading(rows, name);
}
