#include "tvae/data/reader.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/data/records.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kBadRowsKept = 1000;
constexpr size_t kLinesNamed = 5;    // in a description, a reason
constexpr size_t kTextProbe = 4096;  // bytes looked at for NULs

/// Gathers rows, good and bad.
class RowCollector {
 public:
  RowCollector(const std::string& path, const ReadOptions& options)
      : path_(path == "-" ? "stdin" : path), options_(options) {}

  void add(int64_t line, std::string text) { add(line, std::move(text), nullptr); }
  void add(int64_t line, std::string text, std::string label) { add(line, std::move(text), &label); }

  void add_bad(int64_t line, const std::string& reason) {
    if (options_.strict)
      throw DataError(path_ + " line " + std::to_string(line) + ": " + reason, "", "",
                      "without data.strict such rows are skipped and counted");
    if (rows_.bad.size() < kBadRowsKept) rows_.bad.push_back({line, reason});
    ++rows_.bad_count;
  }

  Rows finish() {
    if (!rows_.texts.empty()) return std::move(rows_);
    throw DataError(path_ + ": no usable rows", describe_bad_rows(rows_, path_));
  }

 private:
  void add(int64_t line, std::string&& text, std::string* label) {
    if (text.empty() && !options_.keep_empty) return add_bad(line, "empty");
    if (!is_valid_utf8(text) || (label && !is_valid_utf8(*label))) return add_bad(line, "bad UTF-8");
    rows_.texts.push_back(std::move(text));
    if (label) rows_.labels.push_back(std::move(*label));
  }

  std::string path_;
  ReadOptions options_;
  Rows rows_;
};

// ---- Tables

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

bool is_number(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

/// A column by its number from 1, or by its name in the first row.
size_t find_column(const std::string& path, const std::vector<std::string>& first, const std::string& name) {
  if (is_number(name)) {
    size_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number >= 1 && number <= first.size()) return number - 1;
  } else if (const auto found = find_name(first, name)) {
    return *found;
  }
  throw DataError(path + ": no column " + repair_utf8(name), "first row " + repair_utf8(join(first, ", ")), "",
                  "in a table without a header, columns go by number: 1 to " + std::to_string(first.size()));
}

TableColumns find_columns(const std::string& path, const std::vector<std::string>& first, const ReadOptions& options) {
  TableColumns columns;
  columns.count = first.size();
  const std::string text_name = options.column.empty() ? "text" : options.column;
  // A number may also stand among the values of a row, so it never makes the first row a header.
  for (const std::string& name : {text_name, options.label_column})
    if (!name.empty() && !is_number(name) && find_name(first, name)) columns.header = true;
  if (!options.column.empty())
    columns.text = find_column(path, first, options.column);
  else
    columns.text = find_name(first, text_name).value_or(0);
  if (options.column.empty() && !columns.header && first.size() > 1)
    log_warning(path + ": no header names a column text, so every row's first of " + std::to_string(first.size()) +
                " columns is taken (choose another by --column, or data.column: a name, or a number from 1)");
  if (!options.label_column.empty()) columns.label = find_column(path, first, options.label_column);
  return columns;
}

Rows read_table(const std::string& path, std::string_view content, bool csv, const ReadOptions& options) {
  RowCollector rows(path, options);
  std::optional<TableColumns> columns;
  const auto clean = [&](const std::string& field) { return options.escapes ? unescape_line(field) : field; };
  const auto take = [&](TableRecord&& record) {
    const std::vector<std::string>& fields = record.fields;
    if (!record.bad.empty()) return rows.add_bad(record.line, record.bad);
    if (fields.size() == 1 && fields[0].empty()) return rows.add_bad(record.line, "empty");
    if (!columns) {
      columns = find_columns(path, fields, options);
      if (columns->header) return;
    }
    if (fields.size() > columns->count)
      return rows.add_bad(record.line, "more fields than the first row's " + std::to_string(columns->count));
    if (columns->text >= fields.size())
      return rows.add_bad(record.line, "missing column " + (options.column.empty() ? "text" : options.column));
    if (!columns->label) return rows.add(record.line, clean(fields[columns->text]));
    if (*columns->label >= fields.size()) return rows.add_bad(record.line, "missing column " + options.label_column);
    rows.add(record.line, clean(fields[columns->text]), fields[*columns->label]);
  };
  if (csv)
    for_each_csv_record(content, take);
  else
    for_each_tsv_record(content, take);
  return rows.finish();
}

// ---- JSON

/// A value as text; nothing where it is none.
std::optional<std::string> as_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

std::optional<std::string> as_label(const Json& value) {
  return value.is_boolean() ? value.dump() : as_text(value);
}

Rows read_json(const std::string& path, std::string_view content, bool may_be_array, const ReadOptions& options) {
  RowCollector rows(path, options);
  std::string column = options.column;
  const auto take = [&](std::string_view source, int64_t line) {
    if (source.empty()) return rows.add_bad(line, "empty");
    const Json record = Json::parse(source, nullptr, false);
    if (record.is_discarded()) return rows.add_bad(line, is_valid_utf8(source) ? "bad JSON" : "bad UTF-8");
    if (record.is_string() && options.label_column.empty()) return rows.add(line, record.get<std::string>());
    if (!record.is_object() || record.empty()) return rows.add_bad(line, "not an object with columns");
    if (column.empty()) column = record.contains("text") ? "text" : record.begin().key();
    const auto text = record.find(column);
    if (text == record.end()) return rows.add_bad(line, "missing column " + column);
    const std::optional<std::string> text_value = as_text(*text);
    if (!text_value) return rows.add_bad(line, "column " + column + " is no text");
    if (options.label_column.empty()) return rows.add(line, *text_value);
    const auto label = record.find(options.label_column);
    if (label == record.end()) return rows.add_bad(line, "missing column " + options.label_column);
    const std::optional<std::string> label_value = as_label(*label);
    if (!label_value) return rows.add_bad(line, "column " + options.label_column + " is no label");
    rows.add(line, *text_value, *label_value);
  };
  const size_t first = content.find_first_not_of(" \t\r\n");
  if (may_be_array && first != std::string_view::npos && content[first] == '[')
    for_each_json_element(content, take);
  else
    for_each_line(content, take);
  return rows.finish();
}

// ---- Text lines

Rows read_lines(const std::string& path, std::string_view content, const ReadOptions& options) {
  RowCollector rows(path, options);
  for_each_line(content, [&](std::string_view line, int64_t number) {
    rows.add(number, options.escapes ? unescape_line(std::string(line)) : std::string(line));
  });
  return rows.finish();
}

}  // namespace

Rows read_rows(const std::string& path, const ReadOptions& options) {
  const std::string extension = std::filesystem::path(without_compression_suffix(path)).extension();
  if (extension == ".parquet")
    throw DataError(path + ": Parquet is not supported yet", "", "",
                    "convert it to .jsonl, one {\"text\": ...} a line");
  const std::string bytes = read_text_file(path);
  std::string_view content = bytes;
  if (content.substr(0, kTextProbe).find('\0') != std::string_view::npos)
    throw DataError(path + ": not a text file", "NUL bytes", "UTF-8 text");
  if (content.substr(0, 3) == "\xEF\xBB\xBF") content.remove_prefix(3);  // byte order mark
  if (extension == ".csv" || extension == ".tsv") return read_table(path, content, extension == ".csv", options);
  if (extension == ".json" || extension == ".jsonl") return read_json(path, content, extension == ".json", options);
  return read_lines(path, content, options);
}

std::string describe_bad_rows(const Rows& rows, const std::string& path) {
  if (rows.bad_count == 0) return "";
  struct Reason {
    std::string name;
    std::vector<std::string> lines;
    bool more = false;
  };
  std::vector<Reason> reasons;
  for (const BadRow& bad : rows.bad) {
    auto reason = std::find_if(reasons.begin(), reasons.end(), [&](const Reason& r) { return r.name == bad.reason; });
    if (reason == reasons.end()) reason = reasons.insert(reasons.end(), Reason{bad.reason, {}});
    if (reason->lines.size() < kLinesNamed)
      reason->lines.push_back(std::to_string(bad.line));
    else
      reason->more = true;
  }
  std::vector<std::string> parts;
  for (const Reason& reason : reasons)
    parts.push_back(reason.name + " (line " + join(reason.lines, ", ") + (reason.more ? ", ..." : "") + ")");
  return std::to_string(rows.bad_count) + (rows.bad_count == 1 ? " row of " : " rows of ") + path +
         " skipped: " + join(parts, ", ");
}

std::string escape_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n')
      line += "\\n";
    else if (c == '\t')
      line += "\\t";
    else if (c == '\\')
      line += "\\\\";
    else
      line += c;
  }
  return line;
}

std::string unescape_line(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'n')
      plain += '\n';
    else if (next == 't')
      plain += '\t';
    else if (next == '\\')
      plain += '\\';
    else
      plain += text[i];
    if (next == 'n' || next == 't' || next == '\\') ++i;
  }
  return plain;
}

}  // namespace tvae
