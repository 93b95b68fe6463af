// The texts of a corpus that have codes of their own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tvae {

/// Where each different text that is not empty comes first, in order.
inline std::vector<int64_t> first_rows(const std::vector<std::string>& texts) {
  std::unordered_set<std::string_view> seen = {""};
  std::vector<int64_t> rows;
  for (size_t row = 0; row < texts.size(); ++row)
    if (seen.insert(texts[row]).second) rows.push_back(static_cast<int64_t>(row));
  return rows;
}

}  // namespace tvae
