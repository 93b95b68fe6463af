#include "tvae/data/text_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/ranges.h"
#include "tvae/base/strings.h"
#include "tvae/data/json_rows.h"
#include "tvae/data/row_collector.h"
#include "tvae/data/table_rows.h"

namespace tvae {
namespace {

constexpr double kLargest = 1e100;  // squares of what is larger, or smaller than its inverse, are lost

/// What the two columns are called where nobody says otherwise.
struct ColumnNames {
  std::string first, second;
};

/// The fields of a table's first row, whichever separator it has.
std::vector<std::string> first_row(std::string_view content, char own) {
  for (const char separator : {own, '\t', ',', ';'})
    if (std::vector<std::string> fields = first_fields(content, separator); fields.size() > 1) return fields;
  return {};
}

/// Where a column stands, from 1: a number is a place, also where the first row holds it. 0 = nowhere.
size_t place_of(const std::vector<std::string>& first, const std::string& column) {
  size_t place = 0;
  const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), place);
  if (error == std::errc() && end == column.data() + column.size()) return place;
  const auto found = std::find(first.begin(), first.end(), column);
  return found == first.end() ? 0 : static_cast<size_t>(found - first.begin()) + 1;
}

/// The options with both columns named: by the usual names where the first row has them, else the two places.
ReadOptions with_columns(const std::string& path, std::string_view content, const ColumnNames& names,
                         ReadOptions options) {
  std::string &one = options.column, &two = options.label_column;
  const auto named = format_by_name(path);
  const bool told = named && named != RowFormat::kLines;
  if (told ? named == RowFormat::kJson || named == RowFormat::kJsonLines : looks_like_json(content)) {
    if (one.empty()) one = names.first;
    if (two.empty()) two = names.second;
    return options;
  }
  char separator = named == RowFormat::kCsv ? ',' : '\t';
  content = without_separator_line(content, separator);
  const std::vector<std::string> first = first_row(content, separator);
  const bool has_first = place_of(first, names.first) > 0, has_second = place_of(first, names.second) > 0;
  if (one.empty() && has_first) one = names.first;
  if (two.empty() && has_second) two = names.second;
  if (one.empty()) one = place_of(first, two) == 1 ? "2" : "1";
  if (two.empty()) two = place_of(first, one) == 1 ? "2" : "1";
  return options;
}

struct TwoColumns {
  Rows rows;  // the second column as labels
  std::vector<std::string> places;
};

/// Throws DataError for the first row that is not `expected`; with `skip_blank` empty lines are none.
TwoColumns read_two_columns(const std::string& path, const ColumnNames& names, ReadOptions options, bool skip_blank,
                            const std::string& expected) {
  std::string bytes = read_text_file(path);
  options = with_columns(path, without_mark(bytes), names, options);
  options.strict = false;  // what cannot be used is told below
  options.keep_empty = true;
  RowCollector collector(path, options, /*keep_places=*/true);
  TwoColumns table{collect_rows(path, std::move(bytes), collector, /*is_table=*/true), {}};
  const std::string unit = collector.name() + " " + table.rows.unit + " ";
  for (const BadRow& bad : table.rows.bad)
    if (!skip_blank || bad.reason != "empty") throw DataError(unit + std::to_string(bad.line), bad.reason, expected);
  if (table.rows.bad_count > static_cast<int64_t>(table.rows.bad.size()))
    throw DataError(describe_bad_rows(table.rows, collector.name()), "", expected);
  for (const std::string& notice : table.rows.notices) log_warning(notice);
  for (const int64_t place : collector.places()) table.places.push_back(unit + std::to_string(place));
  return table;
}

/// The number that a field is; NaN where it is none.
double number_of(const std::string& field) {
  const std::string number = strip(field);
  double value = 0.0;
  const bool has_plus = number.size() > 1 && number[0] == '+' && number[1] != '-';  // which from_chars does not take
  const auto [end, error] = std::from_chars(number.data() + has_plus, number.data() + number.size(), value);
  return error == std::errc() && end == number.data() + number.size() ? value : std::nan("");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_text_pairs(const std::string& path, const ReadOptions& options) {
  TwoColumns table = read_two_columns(path, {"from", "to"}, options, /*skip_blank=*/false, "two texts");
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t i = 0; i < table.rows.texts.size(); ++i) {
    std::string& second = table.rows.labels[i];  // which the reader leaves as it is
    pairs.emplace_back(std::move(table.rows.texts[i]), options.escapes ? unescape_line(second) : std::move(second));
  }
  return pairs;
}

TextValues read_text_values(const std::string& path, const ReadOptions& options) {
  TwoColumns table = read_two_columns(path, {"text", "value"}, options, /*skip_blank=*/true, "a text and a number");
  TextValues read;
  std::map<std::string, double> seen;
  int64_t contradictions = 0;
  for (size_t i = 0; i < table.rows.texts.size(); ++i) {
    const std::string shown = "\"" + strip(table.rows.labels[i]).substr(0, 40) + "\"";
    const double value = number_of(table.rows.labels[i]);
    if (!std::isfinite(value))
      throw DataError(table.places[i], shown, "a finite number",
                      i == 0 ? "a first row that is a header has a column text or value, or one that is named" : "");
    if (std::abs(value) > kLargest || (value != 0.0 && std::abs(value) < 1.0 / kLargest))
      throw DataError(table.places[i], shown, "0 or a size of " + range_text(1.0 / kLargest, kLargest));
    const auto [known, fresh] = seen.emplace(table.rows.texts[i], value);
    contradictions += known->second != value;
    if (!fresh) continue;
    read.texts.push_back(std::move(table.rows.texts[i]));
    read.values.push_back(value);
  }
  if (contradictions > 0)
    log_warning(path + ": " + std::to_string(contradictions) +
                " rows repeat a text with another number; the first counts");
  return read;
}

}  // namespace tvae
