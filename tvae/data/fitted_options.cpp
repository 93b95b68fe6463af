#include "tvae/data/fitted_options.h"

#include "tvae/data/column_guess.h"
#include "tvae/data/row_collector.h"
#include "tvae/data/table_rows.h"

namespace tvae {
namespace {

/// The format of a file whose name does not say that it is a table, by the run's columns in its first line. Commas and
/// the like say nothing of columns that have no names.
std::string format_by_columns(std::string_view content, const ReadOptions& run) {
  const auto format = format_with_column(content, run);
  return format && (*format == RowFormat::kTsv || !is_place(run.column)) ? name_of(*format) : "";
}

}  // namespace

ReadOptions fitted_options(const std::string& path, std::string_view content, const ReadOptions& run) {
  ReadOptions options = run;
  options.fit = false;
  const bool table_by_name = is_table_name(path);
  if (run.column.empty() && (!table_by_name || run.format == name_of(RowFormat::kLines))) return options;
  options.format = table_by_name ? "" : format_by_columns(content, run);
  const TableSketch table = sketch_table(table_by_name ? path : "", content, options.format);
  if (table.format == RowFormat::kLines) {
    options.column = options.label_column = "";
    options.format = name_of(RowFormat::kLines);
    return options;
  }
  options.format = name_of(table.format);
  options.header = table.header;
  if (run.column.empty()) options.column = guess_columns(table).column;
  return options;
}

}  // namespace tvae
