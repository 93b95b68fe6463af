// Rows of text (and labels) from the files people have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tvae {

struct ReadOptions {
  std::string column = "";        // of tables; empty = "text", else the first column
  std::string label_column = "";  // of tables; empty = no labels
  bool escapes = false;           // read \n, \t, \\ inside a line (JSON has its own escapes)
  bool strict = false;            // a bad row throws instead of being counted
  bool keep_empty = false;        // an empty text is a text
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

/// Reads .csv, .tsv, .json, .jsonl, and any other name as text lines; each plain or .gz, .xz, .zst; "-" is stdin as
/// text lines. Line ends are \n or \r\n. Empty rows are bad rows.
///
/// - Text lines keep everything but the line end. They have no columns: column and label_column are ignored.
/// - .csv follows RFC 4180 (quotes, doubled quotes, line breaks inside quotes); .tsv splits at tabs, without quotes.
///   The first row is a header if it holds the name of the asked column (or label column), or, where no column is asked
///   for, a field "text". A number is always a place, from 1: "2" is the second; where no column is asked for,
///   the first is taken, with a warning if there are more. Rows with more fields than the first row are bad. After an
///   unbalanced quote reading goes on at the next line.
/// - .json is an array of objects or strings, or objects line by line; .jsonl is always the latter. Columns are the
///   objects' keys; the first record says which key is first. Numbers and booleans can be labels, and numbers text.
///
/// Throws DataError: no such file, not text (NUL bytes), no usable row, missing column, .parquet (not supported), or,
/// under strict, the first bad row with its line number.
Rows read_rows(const std::string& path, const ReadOptions& options = {});

/// One line for the user: "12 rows of lines.txt skipped: bad UTF-8 (line 7, 9, ...), empty (line 30)"; empty if none.
std::string describe_bad_rows(const Rows& rows, const std::string& path);

/// Escapes newline, tab and backslash for one-line output; the reverse of ReadOptions::escapes.
std::string escape_line(const std::string& text);
std::string unescape_line(const std::string& text);

}  // namespace tvae
