#include "tvae/data/row_collector.h"

#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

constexpr size_t kBadRowsKept = 1000;
constexpr size_t kExampleLength = 40;  // bytes shown of a text
// From here on rows that are no UTF-8 are no accidents: the file is in another encoding.
constexpr int64_t kManyInOtherBytes = 50;
constexpr double kShareInOtherBytes = 0.05;

}  // namespace

void RowCollector::add_bad(int64_t line, const std::string& reason) {
  ++seen_;
  if (options_.strict)
    throw DataError(name_ + " " + rows_.unit + " " + std::to_string(line) + ": " + reason, "", "",
                    "without data.strict such rows are skipped and counted");
  if (rows_.bad.size() < kBadRowsKept) rows_.bad.push_back({line, reason});
  ++rows_.bad_count;
}

Rows RowCollector::finish() {
  if (in_other_bytes_ >= kManyInOtherBytes &&
      static_cast<double>(in_other_bytes_) >= kShareInOtherBytes * static_cast<double>(seen_))
    throw DataError(name_ + ": not a text file in UTF-8",
                    counted(in_other_bytes_, "row") + " of " + std::to_string(seen_) + " in other bytes", "UTF-8 text",
                    "iconv -f WINDOWS-1252 -t UTF-8 converts what Excel and older programs write in Western Europe");
  if (rows_.texts.empty()) throw NoUsableRows(name_, describe_bad_rows(rows_, name_));
  return std::move(rows_);
}

void RowCollector::add(int64_t line, std::string&& text, std::string* label) {
  if (text.empty() && !options_.keep_empty) return add_bad(line, "empty");
  if (!is_valid_utf8(text) || (label && !is_valid_utf8(*label))) {
    ++in_other_bytes_;
    return add_bad(line, "bad UTF-8");
  }
  rows_.texts.push_back(std::move(text));
  rows_.numbers.push_back(seen_++);
  if (keep_places_) places_.push_back(line);
  if (label) rows_.labels.push_back(std::move(*label));
}

void Occurrences::add(int64_t line, const std::string& text) {
  if (count_++ > 0) return;
  line_ = line;
  example_ = escape_line(text.substr(0, kExampleLength)) + (text.size() > kExampleLength ? "..." : "");
}

std::string Occurrences::describe(const std::string& name, const std::string& what) const {
  return counted(count_, "row") + " of " + name + " " + what + ": \"" + example_ + "\" (line " + std::to_string(line_) +
         ")";
}

}  // namespace tvae
