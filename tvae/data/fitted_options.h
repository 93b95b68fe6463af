// How a file is read that a run did not see, with what the run knows of its own.
#pragma once

#include <string>
#include <string_view>

#include "tvae/data/reader.h"

namespace tvae {

/// The options of a run, fitted to a file, whose content is unpacked. A table, by the name or the content of its file,
/// is read with the run's columns, which it may lack: then reading is an error; a first row that names the columns is
/// none of its rows. Lines of text have no columns. A table by its name whose run had lines is read by its content
/// (guess_columns). Throws DataError for JSON that holds no rows.
ReadOptions fitted_options(const std::string& path, std::string_view content, const ReadOptions& run);

}  // namespace tvae
