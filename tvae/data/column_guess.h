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
  bool header = false;
  std::vector<std::string> names;                 // of the columns: their header, or numbers from 1; none of lines
  std::vector<std::vector<std::string>> columns;  // the values of its first rows, column by column
};

/// By the file's name and, where that leaves it open, by its content: lines that are cut into the same number of fields
/// by tabs are a table, and so are those that JSON looks like. `content` is unpacked.
TableSketch sketch_table(const std::string& path, std::string_view content);

/// Whether nearly all of the first lines have line breaks that are written out, as a backslash and an n: then they
/// stand for breaks. In lines of code they stand in a few, and for themselves.
bool has_written_breaks(std::string_view content);

struct ColumnGuess {
  std::string column, label_column;       // names or numbers, as ReadOptions has them; empty = none
  std::string reason;                     // for people, of the text column
  std::vector<std::string> other_labels;  // columns that might be labels, too
};

/// The text: a column that is called so, else the one with the longest values that differ from row to row and are no
/// numbers, dates, addresses or identifiers. The label: a column that is called so, else the only other one with few
/// different short values. Nothing where there is a single column.
ColumnGuess guess_columns(const TableSketch& table);

}  // namespace tvae
