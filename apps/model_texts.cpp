#include "apps/model_texts.h"

#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/run/data_options.h"

namespace tvae::apps {

Rows read_texts(const std::string& path, const ReadOptions& options, const std::string& model) {
  return read_rows_with_warnings(path, read_as_run(model, path, options));
}

Rows read_labelled_texts(const std::string& path, const ReadOptions& options, const std::string& model) {
  Rows rows = read_labelled_texts_untold(path, options, model);
  for (const std::string& line : describe_reading(rows, path)) log_warning(line);
  return rows;
}

Rows read_labelled_texts_untold(const std::string& path, const ReadOptions& options, const std::string& model) {
  const ReadOptions labelled = read_as_run(model, path, options, /*labels=*/true);
  if (labelled.label_column == options.label_column) return read_rows(path, labelled);
  try {  // labels that nobody asked for cost no row, and no error
    Rows rows = read_rows(path, labelled);
    if (rows.bad_count == 0) return rows;
  } catch (const DataError&) {
  }
  return read_rows(path, read_as_run(model, path, options));
}

std::string way_of_reading(const std::string& path, const ReadOptions& options, const std::string& model) {
  nlohmann::json way = options.label_column;
  for (const bool labels : {false, true}) {
    const ReadOptions read = read_as_run(model, path, options, labels);
    way = {way,         read.column, read.label_column, read.escapes, read.strict, read.keep_empty,
           read.format, read.quotes, read.header,       read.fit,     read.tokens};
  }
  // Names that are not UTF-8 are of no column that is there.
  return way.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool with_escapes(bool given, const std::string& model) {
  return read_as_run(model, "-", {.escapes = given}).escapes;
}

}  // namespace tvae::apps
