// Rows of tables whose fields stand between separators. Used by parse_rows.
#pragma once

#include <string_view>

#include "tvae/data/row_collector.h"

namespace tvae {

/// RowFormat::kCsv and kTsv. Throws DataError where an asked column is not there.
void read_table(std::string_view content, RowFormat format, RowCollector& rows);

/// The first line's fields, cut at a separator outside quotes.
std::vector<std::string> first_fields(std::string_view content, char separator);

/// Which table a content is by its first line: with the asked columns behind one of the separators. Nothing where it
/// has them behind none.
std::optional<RowFormat> format_with_column(std::string_view content, const ReadOptions& options);

/// Whether a column is asked for by its place, counted from 1.
bool is_place(const std::string& column);

/// Whether a first row holds what is asked for: a name, or a place beyond the first. Where no column is asked for,
/// "text" is.
bool has_asked_column(const std::vector<std::string>& first, const ReadOptions& options);

}  // namespace tvae
