// Gathers the rows of one file, good and bad. Used by parse_rows.
#pragma once

#include <string>

#include "tvae/data/reader.h"

namespace tvae {

class RowCollector {
 public:
  /// `name` is the file's, for messages.
  RowCollector(std::string name, const ReadOptions& options) : name_(std::move(name)), options_(options) {}

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

 private:
  void add(int64_t line, std::string&& text, std::string* label);

  std::string name_;
  ReadOptions options_;
  Rows rows_;
};

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
