#include "tvae/data/records.h"

#include <algorithm>

#include "tvae/base/strings.h"

namespace tvae {
namespace {

/// The line that starts at `begin`, without its end; `next` becomes the start of the following line.
std::string_view line_at(std::string_view text, size_t begin, size_t& next) {
  const size_t end = std::min(text.find('\n', begin), text.size());
  next = std::min(end + 1, text.size());
  std::string_view line = text.substr(begin, end - begin);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// How a CSV field ended.
enum class FieldEnd { kComma, kLine, kBroken };

/// Reads the field at `position` and moves `position` behind the comma or line end that closes it.
FieldEnd read_csv_field(std::string_view text, size_t& position, std::string& field) {
  field.clear();
  if (position < text.size() && text[position] == '"') {
    for (++position;; ++position) {
      const size_t quote = text.find('"', position);
      if (quote == std::string_view::npos) return FieldEnd::kBroken;
      field += text.substr(position, quote - position);
      position = quote + 1;
      if (position == text.size() || text[position] != '"') break;
      field += '"';
    }
  } else {
    const size_t end = std::min(text.find_first_of(",\n", position), text.size());
    field = text.substr(position, end - position);
    position = end;
    if ((position == text.size() || text[position] == '\n') && !field.empty() && field.back() == '\r') field.pop_back();
  }
  if (text.substr(position, 2) == "\r\n") ++position;
  if (position == text.size()) return FieldEnd::kLine;
  const char end = text[position++];
  return end == ',' ? FieldEnd::kComma : end == '\n' ? FieldEnd::kLine : FieldEnd::kBroken;
}

}  // namespace

void for_each_line(std::string_view text, const std::function<void(std::string_view, int64_t)>& take) {
  int64_t number = 0;
  for (size_t begin = 0, next = 0; begin < text.size(); begin = next) {
    const std::string_view line = line_at(text, begin, next);
    take(line, ++number);
  }
}

void for_each_csv_record(std::string_view text, const std::function<void(TableRecord&&)>& take) {
  int64_t line = 1;
  for (size_t begin = 0; begin < text.size();) {
    TableRecord record;
    record.line = line;
    size_t position = begin;
    FieldEnd end;
    do {
      std::string field;
      end = read_csv_field(text, position, field);
      record.fields.push_back(std::move(field));
    } while (end == FieldEnd::kComma);
    if (end == FieldEnd::kBroken) {
      record.fields.clear();
      record.bad = "unbalanced quote";
      line_at(text, begin, position);
    }
    line += std::count(text.begin() + begin, text.begin() + position, '\n');
    begin = position;
    take(std::move(record));
  }
}

void for_each_tsv_record(std::string_view text, const std::function<void(TableRecord&&)>& take) {
  for_each_line(text, [&](std::string_view line, int64_t number) { take({number, split(line, '\t'), ""}); });
}

void for_each_json_element(std::string_view text, const std::function<void(std::string_view, int64_t)>& take) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  size_t position = text.find('[');
  int64_t line = 1 + std::count(text.begin(), text.begin() + position, '\n');
  ++position;
  const auto skip_space = [&] {
    for (; position < text.size() && is_space(text[position]); ++position) line += text[position] == '\n';
  };
  for (skip_space(); position < text.size() && text[position] != ']'; skip_space()) {
    const size_t begin = position;
    const int64_t first_line = line;
    int depth = 0;
    bool quoted = false;
    for (; position < text.size(); ++position) {
      const char c = text[position];
      line += c == '\n';
      if (quoted) {
        if (c == '\\') ++position;
        quoted = c != '"';
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (depth > 0 && (c == '}' || c == ']')) {
        --depth;
      } else if (depth == 0 && (c == ',' || c == ']')) {
        break;
      }
    }
    position = std::min(position, text.size());
    take(text.substr(begin, position - begin), first_line);
    if (position < text.size() && text[position] == ',') ++position;
  }
}

}  // namespace tvae
