#include "tvae/data/json_rows.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

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

/// The only key whose value `holds`; nothing where there are none or several.
const Json* only_value(const Json& object, bool (*holds)(const Json&)) {
  const Json* found = nullptr;
  for (const Json& value : object) {
    if (!holds(value)) continue;
    if (found) return nullptr;
    found = &value;
  }
  return found;
}

class JsonRows {
 public:
  explicit JsonRows(RowCollector& rows) : rows_(rows), column_(rows.options().column) {}

  /// A row, or what should be one.
  void take_source(std::string_view source, int64_t line) {
    if (source.empty()) return rows_.add_bad(line, "empty");
    const Parsed parsed = parse(source);
    if (parsed.value.is_discarded()) return rows_.add_bad(line, why_no_json(source));
    half_pairs_ = parsed.half_pairs;
    take(parsed.value, line);
  }

  /// One object that is the whole file.
  void take_whole(const Parsed& whole) {
    const Json& object = whole.value;
    half_pairs_ = whole.half_pairs;
    rows_.count_by_rows();
    if (object.empty() || all_of(object, is_scalar)) return take(object, 1);
    const auto columns = object.find("columns"), data = object.find("data");
    if (columns != object.end() && data != object.end() && columns->is_array() && data->is_array() &&
        all_of(*data, is_array))
      return take_split(*columns, *data);
    if (const Json* list = only_value(object, is_list_of_rows)) return take_list(*list);
    if (all_of(object, is_list_of_scalars)) return take_columns(object);
    if (all_of(object, is_object)) return take_nested(object);
    if (const Json* list = only_value(object, is_list_of_scalars)) return take_list(*list);
    std::vector<std::string> keys = keys_of(object);
    if (keys.size() > kKeysNamed) {
      keys.resize(kKeysNamed);
      keys.emplace_back("...");
    }
    throw DataError(rows_.name() + ": one object that holds no rows", "keys " + join(keys, ", "),
                    "an array of objects, objects line by line, rows under one key, or columns as lists");
  }

 private:
  using Field = std::function<const Json*(const std::string& column)>;

  std::string label_column() const { return rows_.options().label_column; }

  /// Where no column is asked for, it is "text", else the first.
  void settle_column(const std::vector<std::string>& keys) {
    if (!column_.empty() || keys.empty()) return;
    column_ = std::find(keys.begin(), keys.end(), "text") != keys.end() ? "text" : keys.front();
  }

  void take(const Json& record, int64_t line) {
    if (record.is_string() && label_column().empty()) return add(line, record.get<std::string>());
    if (!record.is_object() || record.empty()) return rows_.add_bad(line, "not an object with columns");
    settle_column(keys_of(record));
    take_fields(line, [&](const std::string& column) { return find_field(record, column); });
  }

  void take_fields(int64_t line, const Field& field) {
    const Json* text = field(column_);
    if (!text) return rows_.add_bad(line, "missing column " + column_);
    const std::optional<std::string> text_value = as_text(*text);
    if (!text_value) return rows_.add_bad(line, "column " + column_ + " is " + why_no_text(*text));
    if (label_column().empty()) return add(line, *text_value);
    const Json* label = field(label_column());
    if (!label) return rows_.add_bad(line, "missing column " + label_column());
    const std::optional<std::string> label_value = as_label(*label);
    if (!label_value) return rows_.add_bad(line, "column " + label_column() + " is no label");
    if (!add_half_pair(line, *text_value) && !add_half_pair(line, *label_value))
      rows_.add(line, *text_value, *label_value);
  }

  /// "no text", or, of an object, "an object with review.text, review.lang".
  std::string why_no_text(const Json& value) const {
    if (!value.is_object() || value.empty()) return "no text";
    std::vector<std::string> names;
    for (const std::string& key : keys_of(value)) names.push_back(column_ + "." + key);
    if (names.size() > kKeysNamed) {
      names.resize(kKeysNamed);
      names.emplace_back("...");
    }
    return "an object with " + join(names, ", ");
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

  void take_list(const Json& list) {
    int64_t number = 0;
    for (const Json& record : list) take(record, ++number);
  }

  /// pandas' orient="split": names of the columns, and rows as lists.
  void take_split(const Json& columns, const Json& data) {
    std::vector<std::string> names;
    for (const Json& column : columns) names.push_back(as_text(column).value_or(""));
    settle_column(names);
    int64_t number = 0;
    for (const Json& row : data)
      take_fields(++number, [&](const std::string& column) -> const Json* {
        const auto place = static_cast<size_t>(std::find(names.begin(), names.end(), column) - names.begin());
        return place < row.size() ? &row[place] : nullptr;
      });
  }

  /// Columns as lists.
  void take_columns(const Json& object) {
    settle_column(keys_of(object));
    size_t count = 0;
    for (const Json& column : object) count = std::max(count, column.size());
    for (size_t row = 0; row < count; ++row)
      take_fields(static_cast<int64_t>(row) + 1, [&](const std::string& column) -> const Json* {
        const auto found = object.find(column);
        return found != object.end() && row < found->size() ? &(*found)[row] : nullptr;
      });
  }

  /// pandas' orient="columns", {column: {index: value}}, or "index", {index: {column: value}}: whichever has the asked
  /// column where its columns stand.
  void take_nested(const Json& object) {
    const std::string asked = column_.empty() ? "text" : column_;
    const auto columns = object.find(asked);
    if (columns != object.end()) {
      column_ = asked;
      int64_t number = 0;
      for (const auto& [index, value] : columns->items())
        take_fields(++number, [&, &index = index](const std::string& column) -> const Json* {
          const auto found = object.find(column);
          const auto cell = found == object.end() ? Json::const_iterator() : found->find(index);
          return found != object.end() && cell != found->end() ? &*cell : nullptr;
        });
      return;
    }
    if (!object.front().contains(asked))
      throw DataError(rows_.name() + ": one object of objects, and none is a column", "no key " + asked,
                      "an array of objects, or columns by name", "data.column names the column");
    column_ = asked;
    take_list(object);
  }

  RowCollector& rows_;
  std::string column_;
  bool half_pairs_ = false;  // of the record at hand
};

/// The first line that is not blank, and whether others follow it.
std::string_view first_line(std::string_view content, bool& more) {
  content.remove_prefix(std::min(content.find_first_not_of(kBlanks), content.size()));
  const size_t end = content.find('\n');
  more = end != std::string_view::npos && content.find_first_not_of(kBlanks, end) != std::string_view::npos;
  return content.substr(0, end);
}

}  // namespace

void read_json(std::string_view content, bool lines, RowCollector& rows) {
  JsonRows reader(rows);
  const auto take = [&](std::string_view source, int64_t line) { reader.take_source(source, line); };
  bool more = false;
  const std::string_view first = first_line(content, more);
  const bool array = first.starts_with('['), object = first.starts_with('{');
  const bool first_is_whole = (array || object) && !parse(first).value.is_discarded();
  if (array && !(lines && first_is_whole && more)) return for_each_json_element(content, take);
  if (object && !(first_is_whole && (lines || more)))
    if (const Parsed whole = parse(content); whole.value.is_object()) return reader.take_whole(whole);
  for_each_line(content, take);
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
