#include "apps/text_io.h"

#include "tvae/base/error.h"
#include "tvae/base/utf8.h"

namespace tvae::apps {

void add_read_flags(CLI::App& command, ReadOptions& options) {
  command.add_option("--column", options.column, "text column of a table; default \"text\", else the first");
  command.add_option("--label-column", options.label_column, "label column of a table");
  add_escapes_flag(command, options.escapes);
  command.add_flag("--strict", options.strict, "bad rows are errors");
  command.add_flag("--quotes", options.quotes, "fields of a tab table may stand in quotes, as in .csv (pandas)");
}

std::string given_text(const std::string& raw, const std::string& flag, bool escapes) {
  if (!is_valid_utf8(raw)) throw ConfigError(flag, "bytes that are no UTF-8", "a text in UTF-8");
  return escapes ? unescape_line(raw) : raw;
}

Rows read_texts(const std::string& path, const ReadOptions& options) {
  return read_rows_with_warnings(path, options);
}

void add_escapes_flag(CLI::App& command, bool& escapes) {
  command.add_flag("--escapes", escapes, "\\n, \\t and \\\\ stand for newline, tab and backslash");
}

}  // namespace tvae::apps
