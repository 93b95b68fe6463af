#include "tvae/data/token_batch.h"

#include <algorithm>
#include <numeric>

#include "tvae/base/assert.h"

namespace tvae {

TokenBatch make_token_batch(const std::vector<std::vector<int32_t>>& sequences) {
  TokenBatch batch;
  batch.rows.resize(sequences.size());
  std::iota(batch.rows.begin(), batch.rows.end(), int64_t{0});
  std::stable_sort(batch.rows.begin(), batch.rows.end(),
                   [&](int64_t a, int64_t b) { return sequences[a].size() < sequences[b].size(); });
  for (const int64_t row : batch.rows) {
    const auto& sequence = sequences[row];
    TVAE_ASSERT(!sequence.empty(), "a sequence holds at least its end");
    const auto length = static_cast<int64_t>(sequence.size());
    if (batch.groups.empty() || batch.groups.back().length != length) batch.groups.push_back({length, 0});
    ++batch.groups.back().count;
    batch.ids.insert(batch.ids.end(), sequence.begin(), sequence.end());
  }
  return batch;
}

}  // namespace tvae
