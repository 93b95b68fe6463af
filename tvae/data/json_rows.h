// Rows of JSON in the shapes that people's tools write. Used by parse_rows.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tvae/data/row_collector.h"

namespace tvae {

/// What should be a row: an object with columns, or a string; or why it is none.
struct JsonRecord {
  int64_t line = 0;  // or, in one object that is the whole file, the number of the row
  nlohmann::ordered_json value;
  std::string bad;               // empty, or the reason
  bool half_pairs = false;       // some of its texts held half a surrogate pair, now U+FFFD
  bool in_whole_object = false;  // one object is the whole file
};

struct JsonSource {
  std::string name;                            // of the file, for errors
  bool lines = false;                          // RowFormat::kJsonLines, else kJson
  std::string column;                          // tells columns of objects from rows of objects; empty = their keys do
  size_t most_bytes = std::string_view::npos;  // of lines and arrays that are looked at
};

/// Calls `take` with every record, whatever the shape in which the file holds them. Throws DataError for an object that
/// holds no rows.
void for_each_json_record(std::string_view content, const JsonSource& source,
                          const std::function<void(JsonRecord&&)>& take);

/// RowFormat::kJson, and kJsonLines where `lines`. Throws DataError for an object that holds no rows.
void read_json(std::string_view content, bool lines, RowCollector& rows);

/// The value of a column: the field of that name, or, of "outer.inner", that of the object in the field "outer";
/// nullptr where there is none.
const nlohmann::ordered_json* find_field(const nlohmann::ordered_json& object, const std::string& column);

/// Whether a text begins as rows of JSON do: with an object, or an array of objects.
bool looks_like_json(std::string_view content);

}  // namespace tvae
