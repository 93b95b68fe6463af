// Which rows of a data set are trained on and which are held out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tvae {

/// Where a row lies among all, in [0, 1): even over different rows, and it depends on the row and the seed alone.
double split_position(const std::string& row, uint64_t seed);

/// Whether a row belongs to the held-out share, 0 <= fraction <= 1. Depends on the row and the seed alone, so that more
/// data moves no row to the other side.
bool is_held_out(const std::string& row, double fraction, uint64_t seed);

struct Split {
  std::vector<std::string> train, valid;
};
/// Each row once, in the order of the rows.
Split split_rows(const std::vector<std::string>& rows, double valid_fraction, uint64_t seed);

}  // namespace tvae
