// What the values of a column have in common.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

namespace tvae {

inline constexpr double kNearlyAll = 0.95;

struct ColumnStatistics {
  double filled = 0;                         // values that are not empty; what follows is of these
  double distinct = 0;                       // different ones
  double length = 0;                         // mean, in bytes
  double numbers = 0;                        // share
  double letterless = 0;                     // share: numbers, dates, times, "3,50"
  double with_digits = 0;                    // share
  double digits = 0;                         // share of the bytes
  double addresses = 0;                      // share of values that begin as URLs do
  double several_words = 0;                  // share of values with a blank
  size_t short_length = 0, long_length = 0;  // nearly all lengths lie between, 2% on either side do not
};

ColumnStatistics statistics_of(const std::vector<std::string>& values);

/// Few different short values, of which most come again.
bool is_label(const ColumnStatistics& column);
/// Values that could be sequences.
bool is_text(const ColumnStatistics& column);

/// Whether a value has no letters of any script, but something.
bool is_letterless(const std::string& value);

}  // namespace tvae
