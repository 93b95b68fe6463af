#include "tvae/data/table_rows.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/data/records.h"

namespace tvae {
namespace {

struct TableColumns {
  bool header = false;
  size_t text = 0;
  std::optional<size_t> label;
  size_t count = 0;
};

std::optional<size_t> find_name(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

/// The place that a number names; nothing for 0 and beyond `count`.
std::optional<size_t> find_place(const std::string& number, size_t count) {
  size_t place = 0;
  std::from_chars(number.data(), number.data() + number.size(), place);
  if (place < 1 || place > count) return std::nullopt;
  return place - 1;
}

/// Where a table of one field might have another separator than its own, in the order in which they are tried.
constexpr char kSeparators[] = {'\t', ';', ',', '|'};

const char* name_of(char separator) {
  return separator == '\t' ? "tabs" : separator == ';' ? "semicolons" : separator == ',' ? "commas" : "bars";
}

/// A separator that a table of one field might have instead of its own; '\0' = none.
char other_separator(std::string_view content, char own) {
  if (first_fields(content, own).size() > 1) return '\0';
  for (const char other : kSeparators)
    if (other != own && first_fields(content, other).size() > 1) return other;
  return '\0';
}

/// A column by its number from 1, or by its name in the first row.
size_t find_column(const RowCollector& rows, const std::vector<std::string>& first, const std::string& name,
                   char other) {
  if (const auto found = is_place(name) ? find_place(name, first.size()) : find_name(first, name)) return *found;
  const std::vector<std::string> there = other ? first_fields(first.front(), other) : first;
  const std::string near = nearest(name, there);
  const std::string hint =
      !near.empty() ? "did you mean " + near + "?"
      : other       ? std::string("it has ") + name_of(other) + " where its separator is expected"
                    : "in a table without a header, columns go by number: 1 to " + std::to_string(first.size());
  throw DataError(rows.name() + ": no column " + name, "first row " + join(there, ", "), "", hint);
}

TableColumns find_columns(RowCollector& rows, const std::vector<std::string>& first, char other) {
  const ReadOptions& options = rows.options();
  TableColumns columns;
  columns.header = options.header;
  columns.count = first.size();
  const std::string text_name = options.column.empty() ? "text" : options.column;
  // A number may also stand among the values of a row, so it never makes the first row a header.
  for (const std::string& name : {text_name, options.label_column})
    if (!name.empty() && !is_place(name) && find_name(first, name)) columns.header = true;
  if (!options.column.empty())
    columns.text = find_column(rows, first, options.column, other);
  else
    columns.text = find_name(first, text_name).value_or(0);
  if (options.column.empty() && !columns.header && first.size() > 1)
    rows.add_notice(rows.name() + ": no header names a column text, so every row's first of " +
                    std::to_string(first.size()) +
                    " columns is taken (choose another by data.column: a name, or a number from 1)");
  if (options.column.empty() && other && other != ',')  // a text may well have commas
    rows.add_notice(rows.name() + " is read as a table of one column, and its first row has " + name_of(other) +
                    " (name a column of its header to have it cut there)");
  if (!options.label_column.empty()) columns.label = find_column(rows, first, options.label_column, other);
  return columns;
}

/// Whether a field stands in quotes as CSV writes them: those inside are doubled.
bool is_quoted(std::string_view field) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return false;
  field = field.substr(1, field.size() - 2);
  for (size_t i = 0; (i = field.find('"', i)) != std::string_view::npos; i += 2)
    if (field.substr(i, 2) != "\"\"") return false;
  return true;
}

bool has_line_end(std::string_view field) {
  return field.find_first_of("\r\n") != std::string_view::npos;
}

}  // namespace

std::vector<std::string> first_fields(std::string_view content, char separator) {
  std::vector<std::string> fields;
  for_each_quoted_record(content.substr(0, content.find('\n')), separator,
                         [&](TableRecord&& record) { fields = std::move(record.fields); });
  return fields;
}

bool is_place(const std::string& column) {
  return !column.empty() && column.find_first_not_of("0123456789") == std::string::npos;
}

std::optional<RowFormat> format_with_column(std::string_view content, const ReadOptions& options) {
  content = without_mark(content);
  for (const char separator : kSeparators)
    if (has_asked_column(first_fields(content, separator), options))
      return separator == '\t' ? RowFormat::kTsv : RowFormat::kCsv;
  return std::nullopt;
}

bool has_asked_column(const std::vector<std::string>& first, const ReadOptions& options) {
  const auto has = [&](const std::string& name) {
    return is_place(name) ? find_place(name, first.size()).value_or(0) > 0 : find_name(first, name).has_value();
  };
  if (options.column.empty() && options.label_column.empty()) return has("text");
  return (!options.column.empty() && has(options.column)) ||
         (!options.label_column.empty() && has(options.label_column));
}

std::string_view without_separator_line(std::string_view content, char& separator) {
  constexpr std::string_view kStart = "sep=";
  const size_t end = content.find('\n');
  if (!content.starts_with(kStart) || end == std::string_view::npos) return content;
  const std::string_view said = content.substr(kStart.size(), end - kStart.size());
  constexpr std::string_view kSeparators = ";,\t|:";
  if (said.empty() || kSeparators.find(said.front()) == std::string_view::npos) return content;
  if (said.size() > 1 && said.substr(1) != "\r") return content;
  separator = said.front();
  return content.substr(end + 1);
}

void read_table(std::string_view content, RowFormat format, RowCollector& rows) {
  const ReadOptions& options = rows.options();
  char separator = format == RowFormat::kCsv ? ',' : '\t', told = '\0';
  content = without_separator_line(content, told);
  char other = told ? '\0' : other_separator(content, separator);
  if (told) separator = told;
  if (other && has_asked_column(first_fields(content, other), options)) {
    rows.add_notice(rows.name() + " is read as a table with " + name_of(other) + " between its fields");
    separator = std::exchange(other, '\0');
  }
  const bool quotes = separator != '\t' || options.quotes || format == RowFormat::kCsv;
  std::optional<TableColumns> columns;
  Occurrences line_ends, quoted;
  const auto clean = [&](const std::string& field) { return options.escapes ? unescape_line(field) : field; };
  const auto take = [&](TableRecord&& record) {
    const std::vector<std::string>& fields = record.fields;
    if (told) ++record.line;  // the line that says what stands between the fields
    if (!record.bad.empty()) return rows.add_bad(record.line, record.bad);
    if (fields.size() == 1 && fields[0].empty()) return rows.add_bad(record.line, "empty");
    if (!columns) {
      columns = find_columns(rows, fields, other);
      if (columns->header) return;
    }
    if (fields.size() > columns->count)
      return rows.add_bad(record.line, "more fields than the first row's " + std::to_string(columns->count));
    if (columns->text >= fields.size())
      return rows.add_bad(record.line, "missing column " + (options.column.empty() ? "text" : options.column));
    const std::string& text = fields[columns->text];
    if (has_line_end(text)) line_ends.add(record.line, text);
    if (!quotes && is_quoted(text)) quoted.add(record.line, text);
    if (!columns->label) return rows.add(record.line, clean(text));
    if (*columns->label >= fields.size()) return rows.add_bad(record.line, "missing column " + options.label_column);
    rows.add(record.line, clean(text), fields[*columns->label]);
  };
  if (quotes)
    for_each_quoted_record(content, separator, take);
  else
    for_each_plain_record(content, separator, take);
  if (line_ends.count() > 0)
    rows.add_notice(line_ends.describe(rows.name(), "with a line end inside the text, which is kept"));
  if (quoted.count() > 0)
    rows.add_notice(
        quoted.describe(rows.name(), "with the text in quotes, which are kept (data.quotes takes them off)"));
}

}  // namespace tvae
