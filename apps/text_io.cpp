#include "apps/text_io.h"

#include "tvae/base/error.h"
#include "tvae/base/utf8.h"

namespace tvae::apps {

void add_read_flags(CLI::App& command, ReadOptions& options) {
  command
      .add_option(
          "--column", options.column,
          "which column of a table holds the texts; default what looks like them; with a MODEL, that of its run")
      ->type_name("NAME");
  command.add_option("--label-column", options.label_column, "which column of a table holds labels")->type_name("NAME");
  add_escapes_flag(command, options.escapes);
  command.add_flag("--strict", options.strict,
                   "a row that cannot be used is an error, instead of being left out with a warning");
  add_quotes_flag(command, options.quotes);
}

std::string given_text(const std::string& raw, const std::string& flag, bool escapes) {
  if (!is_valid_utf8(raw)) throw ConfigError(flag, "bytes that are no UTF-8", "a text in UTF-8");
  return escapes ? unescape_line(raw) : raw;
}

Rows read_texts(const std::string& path, const ReadOptions& options) {
  ReadOptions read = options;
  read.fit = options.column.empty() && options.label_column.empty();
  return read_rows_with_warnings(path, read);
}

void add_quotes_flag(CLI::App& command, bool& quotes) {
  command.add_flag("--quotes", quotes, "quotes around the fields of a tab table are not part of them (pandas)");
}

void add_escapes_flag(CLI::App& command, bool& escapes) {
  command.add_flag("--escapes", escapes, "\\n, \\t and \\\\ in texts stand for newline, tab and backslash");
}

}  // namespace tvae::apps
