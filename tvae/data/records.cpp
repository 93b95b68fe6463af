#include "tvae/data/records.h"

#include <algorithm>

#include "tvae/base/strings.h"

namespace tvae {
namespace {

/// The line that starts at `begin`, without its end; `next` becomes the start of the following line.
std::string_view line_at(std::string_view text, size_t begin, size_t& next, char line_end = '\n') {
  const size_t end = std::min(text.find(line_end, begin), text.size());
  next = std::min(end + 1, text.size());
  std::string_view line = text.substr(begin, end - begin);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// How a field ended.
enum class FieldEnd { kSeparator, kLine, kBroken };

/// Reads records whose fields may be quoted.
class QuotedRecords {
 public:
  QuotedRecords(std::string_view text, char separator) : text_(text), separator_(separator) {}

  /// The record at `begin`; `next` becomes the start of the following one.
  TableRecord record_at(size_t begin, size_t& next) {
    TableRecord record;
    quoted_lines_.clear();
    next = begin;
    FieldEnd end;
    do {
      std::string field;
      end = read_field(next, field);
      record.fields.push_back(std::move(field));
    } while (end == FieldEnd::kSeparator);
    if (end != FieldEnd::kBroken) return record;
    broken_.resize(text_.size());
    for (const size_t line : quoted_lines_) broken_[line] = true;
    line_at(text_, begin, next);
    return {0, {}, "unbalanced quote"};
  }

 private:
  /// Reads the field at `position` and moves `position` behind the separator or line end that closes it.
  FieldEnd read_field(size_t& position, std::string& field) {
    const bool quoted = position < text_.size() && text_[position] == '"';
    if (quoted && !read_quoted(position, field)) return FieldEnd::kBroken;
    if (!quoted) {
      const char ends[] = {separator_, '\n'};
      const size_t end = std::min(text_.find_first_of({ends, 2}, position), text_.size());
      field = text_.substr(position, end - position);
      position = end;
      if ((position == text_.size() || text_[position] == '\n') && !field.empty() && field.back() == '\r')
        field.pop_back();
    }
    if (text_.substr(position, 2) == "\r\n") ++position;
    if (position == text_.size()) return FieldEnd::kLine;
    const char end = text_[position++];
    return end == separator_ ? FieldEnd::kSeparator : end == '\n' ? FieldEnd::kLine : FieldEnd::kBroken;
  }

  /// Moves `position` from the opening quote to behind the closing one. False where there is none, or where the rest
  /// is known to be broken.
  bool read_quoted(size_t& position, std::string& field) {
    for (++position;; ++position) {
      const size_t quote = text_.find('"', position);
      if (quote == std::string_view::npos) return false;
      const std::string_view part = text_.substr(position, quote - position);
      for (size_t end = part.find('\n'); end != std::string_view::npos; end = part.find('\n', end + 1)) {
        if (!broken_.empty() && broken_[position + end]) return false;
        quoted_lines_.push_back(position + end);
      }
      field += part;
      position = quote + 1;
      if (position == text_.size() || text_[position] != '"') return true;
      field += '"';
    }
  }

  std::string_view text_;
  char separator_;
  std::vector<size_t> quoted_lines_;  // line ends inside quotes that this record has passed
  // Line ends that, passed inside quotes, lead to a broken record: what follows depends on nothing else. A later record
  // that comes to one of them stops there, or every line of a bad file would be tried to its end.
  std::vector<bool> broken_;
};

}  // namespace

void for_each_line(std::string_view text, const std::function<void(std::string_view, int64_t)>& take) {
  const char line_end = ends_lines_by_returns(text) ? '\r' : '\n';
  int64_t number = 0;
  for (size_t begin = 0, next = 0; begin < text.size(); begin = next) {
    const std::string_view line = line_at(text, begin, next, line_end);
    take(line, ++number);
  }
}

void for_each_quoted_record(std::string_view text, char separator, const std::function<void(TableRecord&&)>& take) {
  QuotedRecords records(text, separator);
  int64_t line = 1;
  for (size_t begin = 0, next = 0; begin < text.size(); begin = next) {
    TableRecord record = records.record_at(begin, next);
    record.line = line;
    line += std::count(text.begin() + begin, text.begin() + next, '\n');
    take(std::move(record));
  }
}

void for_each_plain_record(std::string_view text, char separator, const std::function<void(TableRecord&&)>& take) {
  for_each_line(text, [&](std::string_view line, int64_t number) { take({number, split(line, separator), ""}); });
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
  if (position < text.size()) ++position;  // the bracket that closes
  skip_space();
  if (position < text.size()) take(text.substr(position), line);
}

}  // namespace tvae
