#include "tvae/data/column_guess.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tvae/base/json.h"
#include "tvae/base/strings.h"
#include "tvae/data/json_rows.h"
#include "tvae/data/records.h"
#include "tvae/data/row_collector.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using Records = std::vector<std::vector<std::string>>;

constexpr size_t kRowsSeen = 1000;
constexpr size_t kMostBytes = 4 << 20;  // of the beginning that is looked at
constexpr double kNearlyAll = 0.95;
constexpr size_t kMostColumns = 500;  // from here on objects in objects are not looked into

/// In the order in which they are preferred.
const std::vector<std::string> kTextNames = {
    "text",    "sentence", "content", "smiles",   "headline", "title",     "body",     "line",        "code", "review",
    "comment", "caption",  "message", "question", "query",    "utterance", "sequence", "description", "name"};
const std::vector<std::string> kLabelNames = {"label", "class", "category", "target", "sentiment",
                                              "y",     "genre", "tag",      "topic",  "type"};

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

bool is_number(const std::string& value) {
  if (value.empty()) return false;
  char* end = nullptr;
  std::strtod(value.c_str(), &end);
  return *end == '\0';
}

bool is_identifier(const std::string& value) {
  return !value.empty() && value.size() <= 40 && !is_number(value) &&
         value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- .") ==
             std::string::npos;
}

struct ColumnStatistics {
  double filled = 0;         // values that are not empty
  double distinct = 0;       // of these
  double length = 0;         // mean, in bytes
  double numbers = 0;        // share
  double digits = 0;         // share of the bytes
  double addresses = 0;      // share of values that begin as URLs do
  double several_words = 0;  // share of values with a blank
};

ColumnStatistics statistics_of(const std::vector<std::string>& values) {
  ColumnStatistics s;
  std::set<std::string> distinct;
  double bytes = 0, digits = 0;
  for (const std::string& value : values) {
    if (value.empty()) continue;
    ++s.filled;
    distinct.insert(value);
    bytes += static_cast<double>(value.size());
    digits +=
        static_cast<double>(std::count_if(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }));
    s.numbers += is_number(value);
    s.addresses += value.starts_with("http://") || value.starts_with("https://") || value.starts_with("www.");
    s.several_words += value.find(' ') != std::string::npos;
  }
  if (s.filled == 0) return s;
  s.distinct = static_cast<double>(distinct.size());
  s.length = bytes / s.filled;
  s.digits = digits / bytes;
  s.numbers /= s.filled;
  s.addresses /= s.filled;
  s.several_words /= s.filled;
  return s;
}

std::vector<std::vector<std::string>> transposed(const Records& records, size_t width, bool header) {
  std::vector<std::vector<std::string>> columns(width);
  for (size_t row = header ? 1 : 0; row < records.size(); ++row)
    for (size_t i = 0; i < width; ++i) columns[i].push_back(i < records[row].size() ? records[row][i] : std::string());
  return columns;
}

/// A first row of names: none is empty, a number or twice there, and either one is a name that texts or labels bear, or
/// the values below some of them are of another kind: numbers, or far longer.
bool has_header(const Records& records, size_t width) {
  const std::vector<std::string>& first = records.front();
  const std::set<std::string> different(first.begin(), first.end());
  if (records.size() < 2 || different.size() != first.size()) return false;
  if (!std::all_of(first.begin(), first.end(), is_identifier)) return false;
  const auto columns = transposed(records, width, true);
  bool told = false;
  for (size_t i = 0; i < first.size() && i < width; ++i) {
    const ColumnStatistics below = statistics_of(columns[i]);
    const bool repeated = std::find(columns[i].begin(), columns[i].end(), first[i]) != columns[i].end();
    if (repeated && below.distinct < below.filled / 2) return false;  // a label as those below
    for (const auto* names : {&kTextNames, &kLabelNames})
      told |= std::find(names->begin(), names->end(), lower_case(first[i])) != names->end();
    told |= below.numbers >= kNearlyAll;
    told |= below.length > 3 * static_cast<double>(first[i].size()) && below.several_words > 0.5;
  }
  return told;
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

TableSketch sketch_json(std::string_view content, bool lines) {
  TableSketch sketch;
  sketch.format = lines ? RowFormat::kJsonLines : RowFormat::kJson;
  sketch.header = true;
  std::vector<Json> objects;
  const auto take = [&](std::string_view source) {
    if (objects.size() == kRowsSeen) return;
    Json value = parse_json(source);
    if (value.is_object()) objects.push_back(std::move(value));
  };
  const std::string_view seen = content.substr(0, kMostBytes);
  const size_t first = seen.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && seen[first] == '[')
    for_each_json_element(seen, [&](std::string_view source, int64_t) { take(source); });
  else
    for_each_line(seen, [&](std::string_view source, int64_t) { take(source); });
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

TableSketch sketch_records(RowFormat format, const Records& records, size_t width) {
  TableSketch sketch;
  sketch.format = format;
  sketch.header = has_header(records, width);
  for (size_t i = 0; i < width; ++i) sketch.names.push_back(sketch.header ? records.front()[i] : std::to_string(i + 1));
  sketch.columns = transposed(records, width, sketch.header);
  return sketch;
}

/// Of a column, or of a field of an object in an object.
size_t rank_of(const std::vector<std::string>& names, const std::string& name) {
  const std::string own = lower_case(name.substr(name.rfind('.') + 1));
  return static_cast<size_t>(std::find(names.begin(), names.end(), own) - names.begin());
}

bool is_label(const ColumnStatistics& s) {
  if (s.digits > 0.4 && s.length >= 6) return false;  // dates, numbers of accounts
  return s.filled >= 10 && s.distinct >= 2 && s.distinct <= std::min(200.0, s.filled / 4) && s.length <= 40;
}

/// Values that could be sequences.
bool is_text(const ColumnStatistics& s) {
  const bool dates = s.digits > 0.4 && s.several_words < 0.5 && s.length >= 6;  // numbers of accounts, too
  return s.filled > 0 && s.numbers < 0.5 && s.addresses < 0.5 && !dates && s.distinct > s.filled / 20;
}

double text_score(const ColumnStatistics& s, const std::string& name) {
  const std::string lower = lower_case(name);
  double score = std::log2(1 + s.length) + s.several_words + s.distinct / s.filled;
  if (lower == "id" || lower.ends_with("_id") || lower.ends_with("id") || lower.find("date") != std::string::npos ||
      lower.find("url") != std::string::npos || lower.find("link") != std::string::npos)
    score -= 10;
  if (s.digits > 0.4 && s.several_words < 0.5) score -= 5;
  return score;
}

}  // namespace

TableSketch sketch_table(const std::string& path, std::string_view content) {
  content = without_mark(content);
  if (content.substr(0, 4096).find('\0') != std::string_view::npos) return {};  // no text: reading it says so
  const auto named = format_by_name(path);
  if (named == RowFormat::kJson || named == RowFormat::kJsonLines)
    return sketch_json(content, named == RowFormat::kJsonLines);
  if (!named && looks_like_json(content.substr(0, kMostBytes))) return sketch_json(content, true);
  struct Cut {
    char separator;
    bool quotes;
    RowFormat format;
  };
  const bool table = named == RowFormat::kCsv || named == RowFormat::kTsv;
  char told = '\0';
  if (table) content = without_separator_line(content, told);
  std::vector<Cut> cuts = {{'\t', false, RowFormat::kTsv}};
  if (table || !named) cuts.insert(cuts.end(), {{';', true, RowFormat::kCsv}, {',', true, RowFormat::kCsv}});
  if (named == RowFormat::kCsv) std::rotate(cuts.begin(), cuts.end() - 1, cuts.end());
  if (told) cuts = {{told, true, *named}};
  for (const Cut& cut : cuts) {
    const Records records = records_of(content, cut.separator, cut.quotes);
    const size_t width = common_width(records);
    if (width < 2) continue;
    TableSketch sketch = sketch_records(table ? *named : cut.format, records, width);
    // Sentences may well have the same number of commas, so that only a header makes them a table.
    if (!table && cut.separator != '\t' && !sketch.header) continue;
    return sketch;
  }
  if (!table) return {};
  const Records records = records_of(content, named == RowFormat::kCsv ? ',' : '\t', named == RowFormat::kCsv);
  if (common_width(records) == 1) return sketch_records(*named, records, 1);
  TableSketch unknown;
  unknown.format = *named;
  return unknown;
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
    if (table.header && !table.names.empty()) guess = {table.names.front(), "", "the only column", {}};
    return guess;
  }
  std::vector<ColumnStatistics> statistics;
  for (const auto& column : table.columns) statistics.push_back(statistics_of(column));
  std::optional<size_t> text;
  size_t best_rank = kTextNames.size();
  double best_score = 0;
  for (size_t i = 0; i < statistics.size(); ++i) {
    if (!is_text(statistics[i])) continue;
    const size_t rank = table.header ? rank_of(kTextNames, table.names[i]) : kTextNames.size();
    const double score = text_score(statistics[i], table.names[i]);
    if (text && (rank > best_rank || (rank == best_rank && score <= best_score))) continue;
    text = i;
    best_rank = rank;
    best_score = score;
  }
  if (!text) return guess;
  guess.column = table.names[*text];
  guess.reason = best_rank < kTextNames.size() ? "by its name" : "the longest texts that differ";
  std::vector<size_t> labels;
  size_t best_label = kLabelNames.size();
  for (size_t i = 0; i < statistics.size(); ++i) {
    if (i == *text || !is_label(statistics[i])) continue;
    const size_t rank = table.header ? rank_of(kLabelNames, table.names[i]) : kLabelNames.size();
    if (rank < best_label) {
      best_label = rank;
      labels.insert(labels.begin(), i);
    } else {
      labels.push_back(i);
    }
  }
  if (!labels.empty() && (best_label < kLabelNames.size() || labels.size() == 1)) {
    guess.label_column = table.names[labels.front()];
    labels.erase(labels.begin());
  }
  for (const size_t i : labels) guess.other_labels.push_back(table.names[i]);
  return guess;
}

}  // namespace tvae
