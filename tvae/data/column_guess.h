// Which column of a file is its text and which its label, by what stands in them, for users who do not say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tvae/data/reader.h"

namespace tvae {

/// The beginning of a file as a table.
struct TableSketch {
  RowFormat format = RowFormat::kLines;
  bool header = false;                            // of JSON always
  std::vector<std::string> names;                 // of the columns: their header, or numbers from 1; none of lines
  std::vector<std::vector<std::string>> columns;  // the values of its first rows, column by column
};

/// By the format, one of kRowFormats, or, where it is empty, by the file's name; where these leave it open, or say
/// that it is lines, by the content: lines with tabs that give all the same number of fields are a table; those with
/// semicolons, commas or bars are one below a header that leaves no doubt; and JSON is where neither says lines. JSON
/// is read by the code that reads its rows (json_rows.h), which may throw DataError. `content` is unpacked.
TableSketch sketch_table(const std::string& path, std::string_view content, const std::string& format = "");

/// Whether each of the first lines has the same number of bars, "|", though nothing says that the first is a header.
bool has_bars(std::string_view content);

/// How a column is asked for: by its name, or by its number where that is empty, a number, or that of another, too.
std::string column_reference(const TableSketch& table, size_t column);

/// Whether a table has a column that is asked for by its name or number.
bool has_column(const TableSketch& table, const std::string& column);

/// Whether nearly all of the first lines have line breaks that are written out, as a backslash and an n: then they
/// stand for breaks. In lines of code they stand in a few, and for themselves.
bool has_written_breaks(std::string_view content);

struct ColumnGuess {
  std::string column, label_column;       // names or numbers, as ReadOptions has them; empty = none
  std::string reason;                     // for people, of the text column
  std::vector<std::string> other_labels;  // columns that might be labels, too
  std::vector<std::string> texts;         // all columns that might be texts, in the order of the table
};

/// The text: a column that is called so, else the one with the longest values that differ from row to row and are no
/// numbers, dates, addresses or identifiers. Names that others bear, too (known_names.h), count where no other column
/// is much longer. Where none looks like texts it is the column "text", else the first, and `texts` is empty. The
/// label: a column that is called so, else the only other one with few different short values. Nothing where there is a
/// single column without a header.
ColumnGuess guess_columns(const TableSketch& table);

}  // namespace tvae
