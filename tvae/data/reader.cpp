#include "tvae/data/reader.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/registry.h"
#include "tvae/base/strings.h"
#include "tvae/data/column_guess.h"
#include "tvae/data/fitted_options.h"
#include "tvae/data/json_rows.h"
#include "tvae/data/pretokenized.h"
#include "tvae/data/records.h"
#include "tvae/data/row_collector.h"
#include "tvae/data/table_rows.h"

namespace tvae {
namespace {

constexpr size_t kLinesNamed = 5;    // in a description, a reason
constexpr size_t kTextProbe = 4096;  // bytes looked at for NULs

/// The ending that tells the format, in lower case.
std::string ending_of(const std::string& path) {
  return lower_case(std::filesystem::path(without_compression_suffix(path)).extension());
}

bool asks_for_column(const ReadOptions& options) {
  return !options.column.empty() || !options.label_column.empty();
}

/// Throws DataError, naming what it is, for bytes that are no text in UTF-8.
void require_text(const std::string& name, std::string_view content) {
  const std::string_view probe = content.substr(0, kTextProbe);
  const auto nuls_at = [&](size_t parity) {
    size_t count = 0;
    for (size_t i = parity; i < probe.size(); i += 2) count += probe[i] == '\0';
    return count;
  };
  const size_t even = nuls_at(0), odd = nuls_at(1);
  const bool marked = probe.starts_with("\xFF\xFE") || probe.starts_with("\xFE\xFF");
  // Without a mark: letters of most scripts have one byte of zero, always on the same side.
  if (marked || (probe.size() >= 4 && std::max(even, odd) > probe.size() / 8 && std::min(even, odd) == 0))
    throw DataError(name + ": not a text file in UTF-8", "UTF-16", "UTF-8 text",
                    "iconv -f UTF-16 -t UTF-8 converts it");
  if (even + odd > 0) throw DataError(name + ": not a text file", "NUL bytes", "UTF-8 text");
}

void read_lines(std::string_view content, RowCollector& rows) {
  for_each_line(content, [&](std::string_view line, int64_t number) {
    rows.add(number, rows.options().escapes ? unescape_line(std::string(line)) : std::string(line));
  });
}

/// Whether lines might be a table, of which a warning is enough: with tabs in more than one of them, or below what may
/// be a header, as long as no blanks follow its separators.
bool looks_like_table(std::string_view content) {
  if (looks_like_json(content)) return true;
  const TableSketch plain = sketch_table("", content);
  if (plain.header || (!plain.columns.empty() && plain.columns.front().size() > 1)) return true;
  const TableSketch table = sketch_table("", content, name_of(RowFormat::kCsv));
  return table.header && table.names.size() > 1 &&
         std::none_of(table.names.begin(), table.names.end(), [](const auto& name) { return name.starts_with(' '); });
}

/// The format of a content whose name does not tell it.
RowFormat settle_format(std::string_view content, RowCollector& rows) {
  if (asks_for_column(rows.options())) {
    if (looks_like_json(content)) return RowFormat::kJson;
    return format_with_column(content, rows.options()).value_or(RowFormat::kLines);
  }
  if (looks_like_table(content))
    rows.add_notice(rows.name() +
                    " is read as lines of text, and the first looks like a table's (name a column, or "
                    "its format by the ending .csv, .tsv or .jsonl)");
  return RowFormat::kLines;
}

}  // namespace

std::optional<RowFormat> format_named(const std::string& name) {
  const auto found = std::find(kRowFormats.begin(), kRowFormats.end(), name);
  if (found == kRowFormats.end()) throw unknown_name("the format of a file", name, kRowFormats);
  return static_cast<RowFormat>(found - kRowFormats.begin());
}

std::string name_of(RowFormat format) {
  return kRowFormats.at(static_cast<size_t>(format));
}

std::optional<RowFormat> format_by_name(const std::string& path) {
  constexpr std::pair<const char*, RowFormat> kEndings[] = {
      {".txt", RowFormat::kLines},       {".smi", RowFormat::kLines},       {".csv", RowFormat::kCsv},
      {".tsv", RowFormat::kTsv},         {".tab", RowFormat::kTsv},         {".json", RowFormat::kJson},
      {".jsonl", RowFormat::kJsonLines}, {".ndjson", RowFormat::kJsonLines}};
  const std::string ending = ending_of(path);
  for (const auto& [known, format] : kEndings)
    if (ending == known) return format;
  return std::nullopt;
}

std::string_view without_mark(std::string_view content) {
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  return content;
}

bool is_table_name(const std::string& path) {
  return format_by_name(path).value_or(RowFormat::kLines) != RowFormat::kLines;
}

Rows read_rows(const std::string& path, const ReadOptions& options) {
  return parse_rows(path, read_text_file(path), options);
}

Rows parse_rows(const std::string& path, std::string bytes, const ReadOptions& options) {
  if (!options.tokens.empty()) return pretokenized_rows(path, bytes, options);
  const ReadOptions fitted = options.fit ? fitted_options(path, bytes, options) : options;
  RowCollector rows(path, fitted);
  if (options.column.empty() && !fitted.column.empty() && fitted.column != "text")
    rows.add_notice(rows.name() + ": column " + fitted.column +
                    " is taken for the texts (another is asked for by name)");
  return collect_rows(path, std::move(bytes), rows);
}

Rows collect_rows(const std::string& path, std::string bytes, RowCollector& rows, bool is_table) {
  const ReadOptions& options = rows.options();
  if (ending_of(path) == ".parquet" || bytes.starts_with("PAR1"))
    throw DataError(rows.name() + ": Parquet is not supported yet", "", "",
                    "convert it to .jsonl, one {\"text\": ...} a line");
  require_text(rows.name(), bytes);
  if (ends_lines_by_returns(bytes)) {
    std::replace(bytes.begin(), bytes.end(), '\r', '\n');
    rows.add_notice(returns_notice(path));
  }
  const std::string_view content = without_mark(bytes);
  auto named = options.format.empty() ? format_by_name(path) : format_named(options.format);
  if (is_table && named == RowFormat::kLines) named = std::nullopt;
  RowFormat format = named ? *named : settle_format(content, rows);
  if (is_table && format == RowFormat::kLines) format = RowFormat::kTsv;
  if (format == RowFormat::kLines && asks_for_column(options))
    throw DataError(rows.name() + ": text lines have no columns",
                    "column " + (options.column.empty() ? options.label_column : options.column),
                    "a table: .csv, .tsv, .json or .jsonl",
                    named ? "" : "its first line is neither JSON nor a header with that column");
  if (format == RowFormat::kLines)
    read_lines(content, rows);
  else if (format == RowFormat::kCsv || format == RowFormat::kTsv)
    read_table(content, format, rows);
  else
    read_json(content, format == RowFormat::kJsonLines, rows);
  return rows.finish();
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
    parts.push_back(reason.name + " (" + rows.unit + " " + join(reason.lines, ", ") + (reason.more ? ", ..." : "") +
                    ")");
  return counted(rows.bad_count, "row") + " of " + path + " skipped: " + join(parts, ", ");
}

std::vector<std::string> describe_reading(const Rows& rows, const std::string& path) {
  std::vector<std::string> lines = rows.notices;
  if (const std::string bad = describe_bad_rows(rows, path); !bad.empty()) lines.push_back(bad);
  return lines;
}

Rows read_rows_with_warnings(const std::string& path, const ReadOptions& options) {
  Rows rows = read_rows(path, options);
  for (const std::string& line : describe_reading(rows, path)) log_warning(line);
  return rows;
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
