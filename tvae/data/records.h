// Cutting the text of a file into records, each with the line it starts on. Used by read_rows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// Calls `take` with every line (its end stripped) and its 1-based number.
void for_each_line(std::string_view text, const std::function<void(std::string_view line, int64_t number)>& take);

/// A record of a table. A bad one has a reason and no fields.
struct TableRecord {
  int64_t line = 0;
  std::vector<std::string> fields;
  std::string bad;
};
void for_each_csv_record(std::string_view text, const std::function<void(TableRecord&&)>& take);
void for_each_tsv_record(std::string_view text, const std::function<void(TableRecord&&)>& take);

/// Calls `take` with the source of every element of a JSON array, unparsed. Throws nothing: what stands after a broken
/// or unfinished element is handed on as one last element that will not parse.
void for_each_json_element(std::string_view text,
                           const std::function<void(std::string_view element, int64_t line)>& take);

}  // namespace tvae
