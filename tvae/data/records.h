// Cutting the text of a file into records, each with the line it starts on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// Calls `take` with every line and its 1-based number. Line ends are \n or \r\n, or \r where the text has no others;
/// they are stripped.
void for_each_line(std::string_view text, const std::function<void(std::string_view line, int64_t number)>& take);

/// A record of a table, whose lines end in \n or \r\n. A bad one has a reason and no fields.
struct TableRecord {
  int64_t line = 0;
  std::vector<std::string> fields;
  std::string bad;
};
/// RFC 4180 with any separator: quotes, doubled quotes, line ends inside quotes. After an unbalanced quote the next
/// record starts at the next line. Takes time in proportion to the text, whatever its quotes.
void for_each_quoted_record(std::string_view text, char separator, const std::function<void(TableRecord&&)>& take);
/// A record a line, cut at separators.
void for_each_plain_record(std::string_view text, char separator, const std::function<void(TableRecord&&)>& take);

/// Calls `take` with the source of every element of a JSON array, unparsed. Throws nothing: what stands after a broken
/// or unfinished element, or behind the array, is handed on as one last element that will not parse.
void for_each_json_element(std::string_view text,
                           const std::function<void(std::string_view element, int64_t line)>& take);

}  // namespace tvae
