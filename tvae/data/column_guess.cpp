#include "tvae/data/column_guess.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/data/column_statistics.h"
#include "tvae/data/header_guess.h"
#include "tvae/data/json_rows.h"
#include "tvae/data/known_names.h"
#include "tvae/data/records.h"
#include "tvae/data/row_collector.h"
#include "tvae/data/table_rows.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using Records = std::vector<std::vector<std::string>>;

constexpr size_t kRowsSeen = 1000;
constexpr size_t kMostBytes = 2 << 20;  // of the beginning that is looked at
constexpr size_t kMostColumns = 500;    // from here on objects in objects are not looked into
constexpr double kMuchLonger = 3;       // times

/// Whole records, as many as are seen.
Records records_of(std::string_view content, char separator, bool quotes) {
  Records records;
  const bool whole = content.size() <= kMostBytes;
  const std::string_view seen = content.substr(0, kMostBytes);
  const auto take = [&](TableRecord&& record) {
    const bool empty = record.fields.size() == 1 && record.fields[0].empty();
    if (record.bad.empty() && !empty && records.size() <= kRowsSeen) records.push_back(std::move(record.fields));
  };
  if (quotes)
    for_each_quoted_record(seen, separator, take);
  else
    for_each_plain_record(seen, separator, take);
  if (!whole && records.size() > 1 && records.size() <= kRowsSeen) records.pop_back();  // cut in the middle
  return records;
}

/// The number of fields that the first record has, where nearly all have it; else 0.
size_t common_width(const Records& records) {
  if (records.empty()) return 0;
  const size_t width = records.front().size();
  const auto count = std::count_if(records.begin(), records.end(),
                                   [&](const std::vector<std::string>& record) { return record.size() == width; });
  return static_cast<double>(count) >= kNearlyAll * static_cast<double>(records.size()) ? width : 0;
}

std::vector<std::vector<std::string>> transposed(const Records& records, size_t width, size_t first) {
  std::vector<std::vector<std::string>> columns(width);
  for (size_t row = first; row < records.size(); ++row)
    for (size_t i = 0; i < width; ++i) columns[i].push_back(i < records[row].size() ? records[row][i] : std::string());
  return columns;
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() || value.is_boolean() ? value.dump() : "";
}

/// Of an object's fields; of those of objects in it as "outer.inner".
void add_names(const Json& object, const std::string& before, std::vector<std::string>& names) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = before + key;
    if (value.is_object() && names.size() < kMostColumns)
      add_names(value, name + ".", names);
    else if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
}

TableSketch sketch_json(const std::string& path, std::string_view content, RowFormat format) {
  TableSketch sketch;
  sketch.format = format;
  sketch.header = true;
  std::vector<Json> objects;
  for_each_json_record(content,
                       {.name = path, .lines = format == RowFormat::kJsonLines, .column = "", .most_bytes = kMostBytes},
                       [&](JsonRecord&& record) {
                         if (objects.size() < kRowsSeen && record.bad.empty() && record.value.is_object())
                           objects.push_back(std::move(record.value));
                       });
  for (const Json& object : objects) add_names(object, "", sketch.names);
  for (const std::string& name : sketch.names) {
    sketch.columns.emplace_back();
    for (const Json& object : objects) {
      const Json* value = find_field(object, name);
      sketch.columns.back().push_back(value ? text_of(*value) : std::string());
    }
  }
  return sketch;
}

TableSketch sketch_records(RowFormat format, const Records& records, size_t width, Header needed) {
  TableSketch sketch;
  sketch.format = format;
  sketch.columns = transposed(records, width, 1);
  sketch.header = guess_header(records.front(), sketch.columns) >= needed;
  if (!sketch.header) sketch.columns = transposed(records, width, 0);
  for (size_t i = 0; i < width; ++i) {
    const std::string& name = records.front()[i];
    sketch.names.push_back(sketch.header && is_valid_utf8(name) ? name : std::to_string(i + 1));
  }
  return sketch;
}

bool is_json(RowFormat format) {
  return format == RowFormat::kJson || format == RowFormat::kJsonLines;
}

/// The name of a column, or of a field of an object in an object, as known names are written.
std::string plain_name(const std::string& name) {
  return lower_case(strip(name.substr(name.rfind('.') + 1)));
}

/// The words of a name, in lower case: user, id of userId, user_id and "User ID".
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words(1);
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  for (size_t i = 0; i < name.size(); ++i) {
    const bool between = std::string_view(" _-./:#()[]").find(name[i]) != std::string_view::npos;
    if (between || (i > 0 && is_upper(name[i]) && !is_upper(name[i - 1]))) words.emplace_back();
    if (!between) words.back() += name[i];
  }
  for (std::string& word : words) word = lower_case(word);
  return words;
}

double text_score(const ColumnStatistics& s, const std::string& name) {
  double score = std::log2(1 + s.length) + s.several_words + s.distinct / s.filled;
  for (const std::string& word : words_of(name))
    for (const char* other :
         {"id", "ids", "uuid", "guid", "date", "datetime", "timestamp", "url", "uri", "link", "href"})
      if (word == other) return score - 10;
  if (s.digits > 0.4 && s.several_words < 0.5) score -= 5;
  return score;
}

/// A place among the names that texts bear, behind all where a column has none of them, or a weak one beside a column
/// that is much longer.
size_t text_rank(const TableSketch& table, size_t column, double length, double longest) {
  if (!table.header) return kTextNames.size();
  const std::string name = plain_name(table.names[column]);
  const auto known =
      std::find_if(kTextNames.begin(), kTextNames.end(), [&](const TextName& text) { return text.name == name; });
  const bool gives_way = known != kTextNames.end() && known->weak && kMuchLonger * length < longest;
  return static_cast<size_t>((gives_way ? kTextNames.end() : known) - kTextNames.begin());
}

size_t label_rank(const TableSketch& table, size_t column) {
  if (!table.header) return kLabelNames.size();
  const auto known = std::find(kLabelNames.begin(), kLabelNames.end(), plain_name(table.names[column]));
  return static_cast<size_t>(known - kLabelNames.begin());
}

struct Cut {
  char separator;
  bool quotes;
  RowFormat format;
};
constexpr Cut kTabs{'\t', false, RowFormat::kTsv}, kCommas{',', true, RowFormat::kCsv},
    kSemicolons{';', true, RowFormat::kCsv}, kBars{'|', true, RowFormat::kCsv};

/// Sentences may well have the same number of commas: blanks follow these.
bool is_sentence_cut(const std::vector<std::string>& first) {
  return std::any_of(first.begin(), first.end(), [](const std::string& field) { return field.starts_with(' '); });
}

bool is_indented(const Records& records) {
  return std::all_of(records.begin(), records.end(), [](const auto& record) { return record.front().empty(); });
}

bool all_have(size_t width, const Records& records) {
  return std::all_of(records.begin(), records.end(), [&](const auto& record) { return record.size() == width; });
}

/// Whether records are those of a table, of a file whose name does not say so.
bool is_table_cut(const Cut& cut, const Records& records, size_t width, const TableSketch& sketch) {
  if (cut.separator == kTabs.separator) return !is_indented(records);
  if (!sketch.header || is_sentence_cut(records.front())) return false;
  return cut.separator != kBars.separator || all_have(width, records);
}

}  // namespace

TableSketch sketch_table(const std::string& path, std::string_view content, const std::string& format) {
  if (ends_lines_by_returns(content)) {
    std::string lines(content);
    std::replace(lines.begin(), lines.end(), '\r', '\n');
    return sketch_table(path, lines, format);
  }
  content = without_mark(content);
  if (content.substr(0, 4096).find('\0') != std::string_view::npos) return {};  // no text: reading it says so
  const auto named = format.empty() ? format_by_name(path) : format_named(format);
  if (!format.empty() && named == RowFormat::kLines) return {};
  if (named && is_json(*named)) return sketch_json(path, content, *named);
  if (!named && looks_like_json(content)) return sketch_json(path, content, RowFormat::kJson);
  const bool table = named == RowFormat::kCsv || named == RowFormat::kTsv;
  char told = '\0';
  if (table) content = without_separator_line(content, told);
  std::vector<Cut> cuts = {kTabs, kSemicolons, kCommas, kBars};
  if (named == RowFormat::kCsv) cuts = {kCommas, kTabs, kSemicolons, kBars};
  if (told) cuts = {{told, true, *named}};
  for (const Cut& cut : cuts) {
    const Records records = records_of(content, cut.separator, cut.quotes);
    const size_t width = common_width(records);
    if (width < 2) continue;
    const bool sure = !table && cut.separator != kTabs.separator;
    TableSketch sketch =
        sketch_records(table ? *named : cut.format, records, width, sure ? Header::kSure : Header::kLikely);
    if (table || is_table_cut(cut, records, width, sketch)) return sketch;
  }
  if (!table) return {};
  const Records records = records_of(content, named == RowFormat::kCsv ? ',' : '\t', named == RowFormat::kCsv);
  if (common_width(records) == 1) return sketch_records(*named, records, 1, Header::kLikely);
  TableSketch unknown;
  unknown.format = *named;
  return unknown;
}

bool has_bars(std::string_view content) {
  constexpr size_t kFewest = 10;
  const Records records = records_of(without_mark(content), kBars.separator, kBars.quotes);
  return records.size() >= kFewest && records.front().size() > 1 && all_have(records.front().size(), records);
}

std::string column_reference(const TableSketch& table, size_t column) {
  const std::string& name = table.names[column];
  const bool own = !name.empty() && !is_place(name) && std::count(table.names.begin(), table.names.end(), name) == 1;
  return own || is_json(table.format) ? name : std::to_string(column + 1);
}

bool has_column(const TableSketch& table, const std::string& column) {
  if (is_json(table.format) || !is_place(column))
    return std::find(table.names.begin(), table.names.end(), column) != table.names.end();
  return column.size() < 6 && std::stoul(column) >= 1 && std::stoul(column) <= table.names.size();
}

bool has_written_breaks(std::string_view content) {
  size_t lines = 0, with_breaks = 0;
  for_each_line(content.substr(0, kMostBytes), [&](std::string_view line, int64_t) {
    if (line.empty() || lines == kRowsSeen) return;
    ++lines;
    with_breaks += line.find("\\n") != std::string_view::npos;
  });
  return lines > 0 && static_cast<double>(with_breaks) >= kNearlyAll * static_cast<double>(lines);
}

ColumnGuess guess_columns(const TableSketch& table) {
  ColumnGuess guess;
  if (table.names.size() < 2) {
    if (table.header && !table.names.empty()) guess = {column_reference(table, 0), "", "the only column", {}, {}};
    return guess;
  }
  std::vector<ColumnStatistics> statistics;
  for (const auto& column : table.columns) statistics.push_back(statistics_of(column));
  size_t longest = 0;
  for (size_t i = 0; i < statistics.size(); ++i) {
    if (!is_text(statistics[i])) continue;
    guess.texts.push_back(column_reference(table, i));
    if (!is_text(statistics[longest]) || statistics[i].length > statistics[longest].length) longest = i;
  }
  if (guess.texts.empty()) {
    const auto named = std::find(table.names.begin(), table.names.end(), "text");
    guess.column =
        column_reference(table, named == table.names.end() ? 0 : static_cast<size_t>(named - table.names.begin()));
    guess.reason = "none looks like texts";
    return guess;
  }
  std::optional<size_t> text;
  size_t best_rank = kTextNames.size();
  double best_score = 0;
  for (size_t i = 0; i < statistics.size(); ++i) {
    if (!is_text(statistics[i])) continue;
    const size_t rank = text_rank(table, i, statistics[i].length, statistics[longest].length);
    const double score = text_score(statistics[i], table.names[i]);
    if (text && (rank > best_rank || (rank == best_rank && score <= best_score))) continue;
    text = i;
    best_rank = rank;
    best_score = score;
  }
  guess.column = column_reference(table, *text);
  guess.reason = best_rank < kTextNames.size() ? "by its name" : "the longest texts that differ";
  if (kMuchLonger * statistics[*text].length < statistics[longest].length)
    guess.reason = (best_rank < kTextNames.size() ? "by its name" : "texts that differ") +
                   std::string(", though those of ") + table.names[longest] + " are much longer";
  std::vector<size_t> labels;
  size_t best_label = kLabelNames.size();
  for (size_t i = 0; i < statistics.size(); ++i) {
    if (i == *text || !is_label(statistics[i])) continue;
    const size_t rank = label_rank(table, i);
    if (rank < best_label) {
      best_label = rank;
      labels.insert(labels.begin(), i);
    } else {
      labels.push_back(i);
    }
  }
  if (!labels.empty() && (best_label < kLabelNames.size() || labels.size() == 1)) {
    guess.label_column = column_reference(table, labels.front());
    labels.erase(labels.begin());
  }
  for (const size_t i : labels) guess.other_labels.push_back(column_reference(table, i));
  return guess;
}

}  // namespace tvae
