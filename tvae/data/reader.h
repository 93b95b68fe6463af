// Rows of text (and labels) from the files people have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tvae {

struct ReadOptions {
  std::string column;        // of tables; empty = "text", else the first column
  std::string label_column;  // empty = no labels
  bool escapes = false;      // read \n, \t, \\ inside a line
  bool strict = false;       // a bad row throws instead of being counted
};

/// A row that could not be used.
struct BadRow {
  int64_t line = 0;    // 1-based line of the file (of the record's first line)
  std::string reason;  // "bad UTF-8", "empty", "missing column text", "unbalanced quote", ...
};

struct Rows {
  std::vector<std::string> texts;
  std::vector<std::string> labels;  // empty, or one a text
  std::vector<BadRow> bad;          // the first 1,000
  int64_t bad_count = 0;
};

/// Reads .txt, .csv, .tsv, .json (an array of objects or strings) or .jsonl, each plain or .gz, .xz, .zst; "-" is stdin
/// as text lines. Empty lines are bad rows. Throws DataError: no such file, not text (NUL bytes), no usable row,
/// missing column, or, under strict, the first bad row with its line number.
Rows read_rows(const std::string& path, const ReadOptions& options = {});

/// One line for the user: "12 rows of lines.txt skipped: bad UTF-8 (line 7, 9, ...), empty (line 30)"; empty if none.
std::string describe_bad_rows(const Rows& rows, const std::string& path);

/// Escapes newline, tab and backslash for one-line output; the reverse of ReadOptions::escapes.
std::string escape_line(const std::string& text);
std::string unescape_line(const std::string& text);

}  // namespace tvae
