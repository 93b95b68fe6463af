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
#include "tvae/data/column_guess.h"
#include "tvae/data/column_statistics.h"
#include "tvae/data/row_collector.h"
#include "tvae/data/table_rows.h"

namespace tvae {
namespace {

constexpr double kLargest = 1e100;  // squares of what is larger, or smaller than its inverse, are lost

/// What the two columns are called where nobody says otherwise, and whether the second holds numbers.
struct ColumnNames {
  std::string first, second;
  bool numbers = false;
};

/// The table that a file holds, whose columns may be asked for. Throws DataError where it holds lines of text.
TableSketch sketch_of(const std::string& path, std::string_view content, const ReadOptions& asked) {
  const bool told = is_table_name(path);
  const auto format = told ? std::nullopt : format_with_column(content, asked);
  TableSketch table = sketch_table(told ? path : "", content, format ? name_of(*format) : "");
  if (!table.names.empty()) return table;
  // A few rows, of which some may be broken: what stands between the fields of the first makes it a table.
  const bool commas = table.format == RowFormat::kCsv;
  char separator = commas ? ',' : '\t';
  content = without_separator_line(without_mark(content), separator);
  const std::vector<std::string> first = first_fields(content, separator);
  if (content.find_first_not_of("\r\n") == std::string_view::npos) throw NoUsableRows(path, "");
  if (first.size() < 2 && !told)
    throw DataError(path + ": lines of text have no columns", "no tab in the first line", "two columns a row",
                    "between tabs, or in a .csv, .tsv, .json or .jsonl");
  if (!commas) table.format = RowFormat::kTsv;
  for (const std::string& field : first) {
    table.names.push_back(std::to_string(table.names.size() + 1));
    table.columns.push_back({field});
  }
  return table;
}

/// Whether the first row holds a name, also where nothing else says that it is a header.
bool has_name(const TableSketch& table, const std::string& name) {
  return has_column(table, name) ||
         (!table.header && std::any_of(table.columns.begin(), table.columns.end(),
                                       [&](const auto& column) { return !column.empty() && column.front() == name; }));
}

bool has_numbers(const std::vector<std::string>& column) {
  return statistics_of(column).numbers >= kNearlyAll;
}

/// The two columns of a table that names neither, or only one of them, by what they hold; empty where that does not
/// tell. One that is given is left as it is.
void guess_two(const TableSketch& table, const ColumnNames& names, std::string& one, std::string& two) {
  const auto others = [&](const std::vector<std::string>& columns, const std::string& given) {
    std::vector<std::string> left;
    for (const std::string& column : columns)
      if (column != given) left.push_back(column);
    return left;
  };
  std::vector<std::string> all, numbers;
  for (size_t i = 0; i < table.names.size(); ++i) {
    all.push_back(column_reference(table, i));
    if (i < table.columns.size() && has_numbers(table.columns[i])) numbers.push_back(all.back());
  }
  const ColumnGuess guess = guess_columns(table);
  const bool two_only = all.size() == 2;
  if (one.empty() && two.empty() && !two_only && !names.numbers && guess.texts.size() == 2) {
    one = guess.texts[0];
    two = guess.texts[1];
  }
  if (one.empty()) {
    const auto left = others(two_only ? all : names.numbers ? std::vector{guess.column} : guess.texts, two);
    if (two_only || left.size() == 1) one = left.front();
  }
  if (two.empty()) {
    const auto left = others(two_only ? all : names.numbers ? numbers : guess.texts, one);
    if (left.size() == 1) two = left.front();
  }
}

/// The options with both columns named and what else the reader cannot know.
ReadOptions with_columns(const std::string& path, std::string_view content, const ColumnNames& names,
                         ReadOptions options) {
  ReadOptions asked = options;
  if (asked.column.empty()) asked.column = names.first;
  if (asked.label_column.empty()) asked.label_column = names.second;
  const TableSketch table = sketch_of(path, content, asked);
  std::string &one = options.column, &two = options.label_column;
  if (one.empty() && has_name(table, names.first)) one = names.first;
  if (two.empty() && has_name(table, names.second)) two = names.second;
  const bool guessed = one.empty() || two.empty();
  if (guessed) guess_two(table, names, one, two);
  if (one.empty() || two.empty())
    throw DataError(path + ": which columns are " + names.first + " and " + names.second + " is not clear",
                    "columns " + join(table.names, ", "), "columns of these names, or two alone",
                    names.numbers ? "--column and --label-column name them" : "--column twice names them");
  if (guessed && table.names.size() > 2)
    log_warning(path + ": columns " + one + " and " + two + " of " + join(table.names, ", ") + " are taken for " +
                names.first + " and " + names.second);
  options.format = name_of(table.format);
  options.header = table.header;
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
  TwoColumns table =
      read_two_columns(path, {"text", "value", /*numbers=*/true}, options, /*skip_blank=*/true, "a text and a number");
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
