// Rows of text (and labels) from the files people have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tvae/base/error.h"

namespace tvae {

/// Of a file that has no usable row: an empty one, a header alone.
class NoUsableRows : public DataError {
 public:
  NoUsableRows(const std::string& name, const std::string& bad_rows) : DataError(name + ": no usable rows", bad_rows) {}
};

struct ReadOptions {
  std::string column = "";        // of tables; empty = "text", else the first
  std::string label_column = "";  // of tables; empty = no labels
  bool escapes = false;           // read \n, \t, \\ inside a line (JSON has its own escapes)
  bool strict = false;            // a bad row throws instead of being counted
  bool keep_empty = false;        // an empty text is a text
  std::string format = "";        // of the names below; empty = as the file's name and content tell
  bool quotes = false;            // fields of a tab table may stand in quotes, as in .csv (pandas writes them so)
  bool header = false;            // the first row of a table is a header, also where it does not hold what is asked for
  std::string tokens = "";        // the files hold ids ("bert", "gpt2" or "text": pretokenized.h) ...
  std::string tokenizer = "";     // ... of this tokenizer's
  bool fit = false;               // what is asked for is what another file of the run has: see fitted_options.h
};

/// A row that could not be used.
struct BadRow {
  int64_t line = 0;    // 1-based line of the file (of the record's first line), or number of the row (Rows::unit)
  std::string reason;  // "bad UTF-8", "empty", "missing column text", "unbalanced quote", ...
};

struct Rows {
  std::vector<std::string> texts;
  std::vector<std::string> labels;  // empty, or one a text
  std::vector<BadRow> bad;          // the first 1,000
  int64_t bad_count = 0;
  std::vector<std::string> notices = {};       // what the user should know of how the file was read, a sentence each
  std::string unit = "line";                   // what bad rows are counted by: "row" in one JSON value
  std::vector<std::vector<int32_t>> ids = {};  // one a text, where the file holds ids that are to be kept
  std::vector<int64_t> numbers = {};           // one a text: which row of the file it is, from 0, bad ones counted too
};

/// How a file holds its rows. Names are told from each other by their ending, in either case, under an ending of
/// compression (base/compression.h).
///
/// - kLines (.txt, .smi): a text is a line, of which everything but the line end is kept. There are no columns.
/// - kCsv (.csv): RFC 4180: quotes, doubled quotes, line ends inside quotes, which are kept and told in a notice. After
///   an unbalanced quote reading goes on at the next line.
/// - kTsv (.tsv, .tab): fields between tabs; quotes are part of the text (and told in a notice where they enclose it),
///   unless ReadOptions::quotes says that they are those of CSV.
///   In both, the first row is a header if it holds the name of the asked column (or label column), or, where no column
///   is asked for, a field "text", or if ReadOptions::header says so. A number is always a place, from 1: "2" is the
///   second; where no column is asked for, the first is taken, with a notice if there are more. Rows with more fields
///   than the first row are bad. Where the first row is one field, and has the asked column only when cut at other
///   separators (semicolons, tabs, commas, bars), the table is read with these.
/// - kJson (.json): an array of objects or strings, or what kJsonLines is, or one object: with rows under one of its
///   keys, or of those of an object in it, with columns as lists, with what pandas' to_json writes by columns, index or
///   split, or a single row.
/// - kJsonLines (.jsonl, .ndjson): an object or string a line. Columns are the objects' keys; the first record says
///   which key is first. Numbers and booleans can be labels, and numbers text. NaN and Infinity, which Python writes,
///   are null; a text with half a surrogate pair is a bad row.
enum class RowFormat { kLines, kCsv, kTsv, kJson, kJsonLines };
/// "lines", "csv", "tsv", "json", "jsonl": data.format.
inline const std::vector<std::string> kRowFormats = {"lines", "csv", "tsv", "json", "jsonl"};

/// Whether a name alone says that a file is a table, which has columns.
bool is_table_name(const std::string& path);

/// Reads a file, plain or compressed; "-" is stdin. Line ends are \n or \r\n, or \r where the file has no others (told
/// in a notice). Empty rows are bad rows. Where no known ending tells the format (stdin, names without one), the
/// content does if a column is asked for; else the file is lines, with a notice where they look like a table's.
///
/// Throws DataError: no such file, not text in UTF-8 (NUL bytes, UTF-16), no usable row, missing column, a column asked
/// of what is no table, .parquet (not supported), or, under strict, the first bad row with its line number.
Rows read_rows(const std::string& path, const ReadOptions& options = {});

/// The same of the unpacked content of a file that has been read already; its path tells the format.
Rows parse_rows(const std::string& path, std::string bytes, const ReadOptions& options = {});

/// One line for the user: "12 rows of lines.txt skipped: bad UTF-8 (line 7, 9, ...), empty (line 30)"; empty if none.
std::string describe_bad_rows(const Rows& rows, const std::string& path);

/// Notices, then the bad rows, a line each: what a user should be told of a file.
std::vector<std::string> describe_reading(const Rows& rows, const std::string& path);

/// read_rows, with what describe_reading says told by log_warning.
Rows read_rows_with_warnings(const std::string& path, const ReadOptions& options = {});

/// Escapes newline, tab and backslash for one-line output; the reverse of ReadOptions::escapes.
std::string escape_line(const std::string& text);
std::string unescape_line(const std::string& text);

}  // namespace tvae
