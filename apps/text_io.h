// Texts that verbs read: the flags that say how, and a warning about rows that were left out.
#pragma once

#include <string>
#include <vector>

#include "apps/verb.h"
#include "tvae/data/reader.h"

namespace tvae::apps {

/// Adds --column, --label-column, --escapes, --strict and --quotes.
void add_read_flags(CLI::App& command, ReadOptions& options);

/// A text of the command line. Throws ConfigError, naming the flag it came with, where it is no UTF-8.
std::string given_text(const std::string& raw, const std::string& flag, bool escapes);

/// read_rows with warnings: how the file was read, and which rows were left out. Of a table whose columns are not asked
/// for it is the column that looks like texts (fitted_options.h).
Rows read_texts(const std::string& path, const ReadOptions& options);

/// Adds --quotes or --escapes alone.
void add_quotes_flag(CLI::App& command, bool& quotes);
void add_escapes_flag(CLI::App& command, bool& escapes);

}  // namespace tvae::apps
