// Gathers the rows of one file, good and bad. Used by parse_rows, and by readers that need more of a row than its text
// and label.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tvae/data/reader.h"

namespace tvae {

class RowCollector {
 public:
  /// `path` is the file's, for messages.
  RowCollector(const std::string& path, const ReadOptions& options, bool keep_places = false)
      : name_(path == "-" ? "stdin" : path), options_(options), keep_places_(keep_places) {}

  void add(int64_t line, std::string text) { add(line, std::move(text), nullptr); }
  void add(int64_t line, std::string text, std::string label) { add(line, std::move(text), &label); }
  /// Throws DataError under strict.
  void add_bad(int64_t line, const std::string& reason);
  void add_notice(const std::string& notice) { rows_.notices.push_back(notice); }
  /// Bad rows are counted by "row" from now on.
  void count_by_rows() { rows_.unit = "row"; }
  /// Throws DataError where there is no usable row.
  Rows finish();

  const std::string& name() const { return name_; }
  const ReadOptions& options() const { return options_; }
  /// With `keep_places` where each usable row stands, counted by Rows::unit.
  const std::vector<int64_t>& places() const { return places_; }

 private:
  void add(int64_t line, std::string&& text, std::string* label);

  std::string name_;
  ReadOptions options_;
  bool keep_places_;
  Rows rows_;
  int64_t seen_ = 0;  // rows so far, good and bad
  int64_t in_other_bytes_ = 0;
  std::vector<int64_t> places_;
};

/// What parse_rows does. With `is_table` the rows are those of a table whatever the file's name says: where the content
/// does not tell which, their fields stand between tabs. `path` tells the format.
Rows collect_rows(const std::string& path, std::string bytes, RowCollector& rows, bool is_table = false);

/// The format that a name's ending tells; nothing where it is unknown or missing.
std::optional<RowFormat> format_by_name(const std::string& path);

/// Of kRowFormats. Throws ConfigError for another name.
std::optional<RowFormat> format_named(const std::string& name);
std::string name_of(RowFormat format);

/// A content without its byte order mark.
std::string_view without_mark(std::string_view content);

/// A content without the first line "sep=;" in which Excel writes what stands between the fields, which `separator`
/// then is; else as it is.
std::string_view without_separator_line(std::string_view content, char& separator);

/// "3 rows" or "1 row", of which a notice speaks; an example of their texts, with its line.
class Occurrences {
 public:
  void add(int64_t line, const std::string& text);
  /// "2 rows of z.csv WHAT: "CCO\n" (line 2)"; to be called where count is not 0.
  std::string describe(const std::string& name, const std::string& what) const;
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
  int64_t line_ = 0;
  std::string example_;
};

}  // namespace tvae
