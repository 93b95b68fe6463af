// Tables of two columns: pairs of texts, and texts with a number. Read as every other table is (reader.h).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tvae/data/reader.h"

namespace tvae {

/// Two texts a row: the columns "from" and "to", or those that the options name (column, label_column); in a table that
/// has none of these names its only two columns, or the only two of texts. A first row that names columns is none of
/// the pairs. A file whose name does not tell its format has tabs between the texts, unless it looks like another
/// table. Texts may be empty. Throws DataError where nothing tells the two columns, for lines of text and, naming the
/// line, where a row is something else, and where there are none.
std::vector<std::pair<std::string, std::string>> read_text_pairs(const std::string& path,
                                                                 const ReadOptions& options = {});

struct TextValues {
  std::vector<std::string> texts;
  std::vector<double> values;
};
/// A text and a finite number a row, in the same way, of the columns "text" and "value"; of other columns the text is
/// that of guess_columns, and the number the only other one of numbers. Empty lines are passed over. Of a text that
/// comes again the first number counts; another one is warned of. Throws DataError, naming the line, where a number is
/// missing, or so large or small that its square is lost; and where there are no texts.
TextValues read_text_values(const std::string& path, const ReadOptions& options = {});

}  // namespace tvae
