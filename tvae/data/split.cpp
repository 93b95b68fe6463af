#include "tvae/data/split.h"

#include <unordered_set>

#include "tvae/base/files.h"

namespace tvae {

double split_position(const std::string& row, uint64_t seed) {
  return static_cast<double>(hash_bytes(row, seed) >> 11) * 0x1.0p-53;
}

bool is_held_out(const std::string& row, double fraction, uint64_t seed) {
  return split_position(row, seed) < fraction;
}

Split split_rows(const std::vector<std::string>& rows, double valid_fraction, uint64_t seed) {
  Split split;
  std::unordered_set<std::string> seen;
  for (const std::string& row : rows)
    if (seen.insert(row).second) (is_held_out(row, valid_fraction, seed) ? split.valid : split.train).push_back(row);
  return split;
}

}  // namespace tvae
