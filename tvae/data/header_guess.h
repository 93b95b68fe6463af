// Whether the first row of a table names its columns.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// How surely a first row is a header, by its cells and the columns below.
enum class Header { kNo, kLikely, kSure };

/// Sure: a cell is a name that texts or labels bear (known_names.h) and does not come again below it, or at least two
/// columns speak for a header and none against. Else each column has a vote, as in Python's csv.Sniffer: for a header
/// where its first cell is of another kind than the values below (letters above numbers and dates, no digits above
/// identifiers, another length, no label of those that come again and again); against one where it is of the same; none
/// where the cell is empty. A first cell that is a label as those below is no name. `columns` are without the first
/// row.
Header guess_header(const std::vector<std::string>& first, const std::vector<std::vector<std::string>>& columns);

}  // namespace tvae
