#include "tvae/data/json_rows.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "tvae/base/error.h"
#include "tvae/base/json.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/data/records.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr size_t kKeysNamed = 8;  // in a message

/// The four hexadecimal digits of \uXXXX at `position`; nothing where there are none.
std::optional<unsigned> escaped_unit(std::string_view source, size_t position) {
  if (source.substr(position, 2) != "\\u" || position + 6 > source.size()) return std::nullopt;
  unsigned unit = 0;
  for (const char c : source.substr(position + 2, 4)) {
    const size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    unit = unit << 4 | static_cast<unsigned>(digit < 16 ? digit : digit - 6);
  }
  return unit;
}

/// What Python's json writes and JSON does not have: NaN and Infinity become null, halves of surrogate pairs U+FFFD.
std::string with_python_mended(std::string_view source, bool& half_pairs) {
  std::string mended;
  bool quoted = false;
  for (size_t i = 0; i < source.size();) {
    size_t length = 1;
    std::string_view replacement;
    if (!quoted) {
      for (const std::string_view word : {"NaN", "Infinity", "-Infinity"})
        if (source.substr(i, word.size()) == word) {
          replacement = "null";
          length = word.size();
        }
      quoted = source[i] == '"';
    } else if (source[i] == '"') {
      quoted = false;
    } else if (source[i] == '\\') {
      length = 2;
      if (const auto unit = escaped_unit(source, i)) {
        const auto next = escaped_unit(source, i + 6);
        const bool high = *unit >= 0xd800 && *unit < 0xdc00, low = *unit >= 0xdc00 && *unit < 0xe000;
        const bool pair = high && next && *next >= 0xdc00 && *next < 0xe000;
        length = pair ? 12 : 6;
        if ((high || low) && !pair) {
          replacement = "\\ufffd";
          half_pairs = true;
        }
      }
    }
    mended += replacement.empty() ? source.substr(i, length) : replacement;
    i += length;
  }
  return mended;
}

struct Parsed {
  Json value;               // discarded where the source is not JSON, or nests too deeply
  bool half_pairs = false;  // some of its texts held half a surrogate pair, now U+FFFD
};

Parsed parse(std::string_view source) {
  Parsed parsed{parse_json(source)};
  if (!parsed.value.is_discarded()) return parsed;
  const std::string mended = with_python_mended(source, parsed.half_pairs);
  if (mended != source) parsed.value = parse_json(mended);
  return parsed;
}

std::string why_no_json(std::string_view source) {
  if (!is_valid_utf8(source)) return "bad UTF-8";
  return nests_deeper(source, kDeepestJson) ? "JSON that nests too deeply" : "bad JSON";
}

/// A value as text; nothing where it is none.
std::optional<std::string> as_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

std::optional<std::string> as_label(const Json& value) {
  return value.is_boolean() ? value.dump() : as_text(value);
}

bool all_of(const Json& values, bool (*holds)(const Json&)) {
  return std::all_of(values.begin(), values.end(), holds);
}
bool is_scalar(const Json& value) {
  return value.is_primitive();
}
bool is_array(const Json& value) {
  return value.is_array();
}
bool is_object(const Json& value) {
  return value.is_object();
}
bool is_list_of_rows(const Json& value) {
  return value.is_array() && !value.empty() && all_of(value, is_object);
}
bool is_list_of_scalars(const Json& value) {
  return value.is_array() && !value.empty() && all_of(value, is_scalar);
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

/// The only list of rows in an object or, where none stands there, in the objects in it; nullptr where there are none
/// or several.
Json* only_list_of_rows(Json& object) {
  std::vector<Json*> found;
  for (std::vector<Json*> level = {&object}, next; found.empty() && !level.empty(); level = std::exchange(next, {}))
    for (Json* outer : level)
      for (Json& value : *outer) {
        if (is_list_of_rows(value)) found.push_back(&value);
        if (value.is_object()) next.push_back(&value);
      }
  return found.size() == 1 ? found.front() : nullptr;
}

/// The only list of scalars in an object; nullptr where there are none or several.
Json* only_list_of_scalars(Json& object) {
  const auto found = std::find_if(object.begin(), object.end(), is_list_of_scalars);
  const bool one = std::count_if(object.begin(), object.end(), is_list_of_scalars) == 1;
  return one ? &*found : nullptr;
}

/// The first few names, in a message.
std::string few(std::vector<std::string> names) {
  if (names.size() > kKeysNamed) {
    names.resize(kKeysNamed);
    names.emplace_back("...");
  }
  return join(names, ", ");
}

/// Of all columns, those in objects too: "event.level".
std::vector<std::string> names_of(const Json& object, const std::string& outer) {
  std::vector<std::string> names;
  for (const auto& [key, value] : object.items())
    if (value.is_object())
      for (const std::string& inner : names_of(value, outer + key + ".")) names.push_back(inner);
    else
      names.push_back(outer + key);
  return names;
}

/// pandas' orient="split": names of the columns, and rows as lists.
std::vector<Json> rows_of_split(const Json& columns, Json& data) {
  std::vector<Json> rows;
  for (Json& row : data) {
    Json& record = rows.emplace_back(Json::object());
    for (size_t i = 0; i < std::min(columns.size(), row.size()); ++i)
      record[as_text(columns[i]).value_or("")] = std::move(row[i]);
  }
  return rows;
}

/// {column: [value, ...]} and, with `by_index`, pandas' orient="columns", {column: {index: value}}.
std::vector<Json> rows_of_columns(Json& object, bool by_index) {
  std::vector<Json> rows;
  std::unordered_map<std::string, size_t> places;
  for (auto& [column, values] : object.items()) {
    size_t next = 0;
    for (auto& [index, value] : values.items()) {
      const size_t place = by_index ? places.emplace(index, rows.size()).first->second : next++;
      if (place >= rows.size()) rows.resize(place + 1, Json::object());
      rows[place][column] = std::move(value);
    }
  }
  return rows;
}

bool are_numbers(const Json& object) {
  const std::vector<std::string> keys = keys_of(object);
  return std::all_of(keys.begin(), keys.end(),
                     [](const std::string& key) { return key.find_first_not_of("0123456789") == std::string::npos; });
}

/// Whether an object of objects is pandas' orient="index", {index: {column: value}}, and not "columns": by where the
/// column stands or, where none is asked for, by the side that has numbers for keys, or more of them.
bool has_rows_outside(const Json& object, const JsonSource& source) {
  const Json& inner = object.front();
  if (source.column.empty()) {
    const bool outside = are_numbers(object), inside = are_numbers(inner);
    return outside == inside ? object.size() > inner.size() : outside;
  }
  if (object.contains(source.column)) return false;
  if (find_field(inner, source.column)) return true;
  throw DataError(source.name + ": one object of objects, and none is a column", "no key " + source.column,
                  "an array of objects, or columns by name", "data.column names the column");
}

std::vector<Json> moved(Json& list) {
  return {std::make_move_iterator(list.begin()), std::make_move_iterator(list.end())};
}

/// Of one object that is the whole file.
std::vector<Json> rows_of(Json& object, const JsonSource& source) {
  if (object.empty() || all_of(object, is_scalar)) return {std::move(object)};
  const auto columns = object.find("columns"), data = object.find("data");
  if (columns != object.end() && data != object.end() && columns->is_array() && data->is_array() &&
      all_of(*data, is_array))
    return rows_of_split(*columns, *data);
  if (Json* list = only_list_of_rows(object)) return moved(*list);
  if (all_of(object, is_list_of_scalars)) return rows_of_columns(object, /*by_index=*/false);
  if (all_of(object, is_object))
    return has_rows_outside(object, source) ? moved(object) : rows_of_columns(object, /*by_index=*/true);
  if (Json* list = only_list_of_scalars(object)) return moved(*list);
  throw DataError(source.name + ": one object that holds no rows", "keys " + few(keys_of(object)),
                  "an array of objects, objects line by line, rows under one key, or columns as lists");
}

/// Makes rows of records.
class JsonRows {
 public:
  explicit JsonRows(RowCollector& rows) : rows_(rows), column_(rows.options().column) {}

  void take(const JsonRecord& record) {
    if (record.in_whole_object) rows_.count_by_rows();
    if (!record.bad.empty()) return rows_.add_bad(record.line, record.bad);
    half_pairs_ = record.half_pairs;
    take(record.value, record.line);
    first_seen_ = true;
  }

 private:
  std::string label_column() const { return rows_.options().label_column; }

  /// Where no column is asked for, it is "text", else the first.
  void settle_column(const Json& record) {
    if (column_.empty()) column_ = record.contains("text") ? "text" : record.begin().key();
  }

  void take(const Json& record, int64_t line) {
    if (record.is_string() && label_column().empty()) return add(line, record.get<std::string>());
    if (!record.is_object() || record.empty()) return rows_.add_bad(line, "not an object with columns");
    settle_column(record);
    const Json* text = find_field(record, column_);
    if (!text) return rows_.add_bad(line, missing(column_, record));
    const std::optional<std::string> text_value = as_text(*text);
    if (!text_value) return rows_.add_bad(line, "column " + column_ + " is " + why_no_text(*text));
    if (label_column().empty()) return add(line, *text_value);
    const Json* label = find_field(record, label_column());
    if (!label) return rows_.add_bad(line, missing(label_column(), record));
    const std::optional<std::string> label_value = as_label(*label);
    if (!label_value) return rows_.add_bad(line, "column " + label_column() + " is no label");
    if (!add_half_pair(line, *text_value) && !add_half_pair(line, *label_value))
      rows_.add(line, *text_value, *label_value);
  }

  /// Where no row before had it, with what the first one has instead.
  std::string missing(const std::string& column, const Json& record) {
    if (!first_seen_) {
      const std::vector<std::string> names = names_of(record, "");
      const std::string near = nearest(column, names);
      instead_ = near.empty() ? "; there are " + few(names) : "; did you mean " + near + "?";
    }
    return "missing column " + column + instead_;
  }

  /// "no text", or, of an object, "an object with review.text, review.lang".
  std::string why_no_text(const Json& value) const {
    if (!value.is_object() || value.empty()) return "no text";
    std::vector<std::string> names;
    for (const std::string& key : keys_of(value)) names.push_back(column_ + "." + key);
    return "an object with " + few(names);
  }

  void add(int64_t line, const std::string& text) {
    if (!add_half_pair(line, text)) rows_.add(line, text);
  }

  /// Half a surrogate pair has no UTF-8.
  bool add_half_pair(int64_t line, const std::string& text) {
    const bool half = half_pairs_ && text.find("\uFFFD") != std::string::npos;
    if (half) rows_.add_bad(line, "half a surrogate pair");
    return half;
  }

  RowCollector& rows_;
  std::string column_;
  bool half_pairs_ = false;  // of the record at hand
  bool first_seen_ = false;
  std::string instead_;  // of a column that the first row lacks, for messages
};

/// The first line that is not blank, and whether others follow it.
std::string_view first_line(std::string_view content, bool& more) {
  content.remove_prefix(std::min(content.find_first_not_of(kBlanks), content.size()));
  const size_t end = content.find('\n');
  more = end != std::string_view::npos && content.find_first_not_of(kBlanks, end) != std::string_view::npos;
  return content.substr(0, end);
}

}  // namespace

void for_each_json_record(std::string_view content, const JsonSource& source,
                          const std::function<void(JsonRecord&&)>& take) {
  const auto take_source = [&](std::string_view text, int64_t line) {
    if (text.empty()) return take({line, {}, "empty"});
    Parsed parsed = parse(text);
    const std::string bad = parsed.value.is_discarded() ? why_no_json(text) : "";
    take({line, std::move(parsed.value), bad, parsed.half_pairs});
  };
  bool more = false;
  const std::string_view first = first_line(content, more);
  const bool array = first.starts_with('['), object = first.starts_with('{');
  const auto first_is_whole = [&] { return !parse(first).value.is_discarded(); };
  const std::string_view seen = content.substr(0, source.most_bytes);
  if (array && !(source.lines && more && first_is_whole())) return for_each_json_element(seen, take_source);
  if (object && !((source.lines || more) && first_is_whole())) {
    if (Parsed whole = parse(content); whole.value.is_object()) {
      int64_t number = 0;
      for (Json& row : rows_of(whole.value, source)) take({++number, std::move(row), "", whole.half_pairs, true});
      return;
    }
  }
  for_each_line(seen, take_source);
}

void read_json(std::string_view content, bool lines, RowCollector& rows) {
  JsonRows reader(rows);
  const std::string& column = rows.options().column;
  for_each_json_record(content, {.name = rows.name(), .lines = lines, .column = column.empty() ? "text" : column},
                       [&](JsonRecord&& record) { reader.take(record); });
}

bool looks_like_json(std::string_view content) {
  bool more = false;
  const std::string_view first = first_line(content, more);
  if (first.starts_with('[')) {
    const std::string_view rest = content.substr(content.find('[') + 1);
    const size_t next = rest.find_first_not_of(kBlanks);
    return next != std::string_view::npos && rest[next] == '{';
  }
  return first.starts_with('{') && (parse(first).value.is_object() || parse(content).value.is_object());
}

const Json* find_field(const Json& object, const std::string& column) {
  const auto found = object.find(column);
  if (found != object.end()) return &*found;
  for (size_t dot = column.find('.'); dot != std::string::npos; dot = column.find('.', dot + 1)) {
    const auto outer = object.find(column.substr(0, dot));
    if (outer == object.end() || !outer->is_object()) continue;
    if (const Json* inner = find_field(*outer, column.substr(dot + 1))) return inner;
  }
  return nullptr;
}

}  // namespace tvae
