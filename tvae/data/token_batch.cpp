#include "tvae/data/token_batch.h"

#include <algorithm>
#include <numeric>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"

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

BatchPart part_of(const TokenBatch& batch, int64_t part, int64_t parts) {
  TVAE_ASSERT(part >= 0 && part < parts, "a part of a batch");
  const int64_t sequences = batch.sequences(), tokens = batch.tokens();
  if (sequences < parts)
    throw DataError(
        "a batch of " + std::to_string(sequences) + " sequences for " + std::to_string(parts) + " processes", "",
        "a sequence for each at least", "a larger train.batch_size or train.batch_tokens, or fewer processes");
  // The part that a sequence is in follows from the tokens up to its middle, but for what leaves each part at least
  // one.
  std::vector<int64_t> lengths;
  for (const LengthGroup& group : batch.groups) lengths.insert(lengths.end(), group.count, group.length);
  int64_t begin = 0, end = 0, ids_begin = 0, ids_end = 0, before = 0, current = 0;
  for (int64_t i = 0; i < sequences; ++i) {
    const int64_t length = lengths[i];
    int64_t wanted = std::min(parts - 1, (2 * before + length) * parts / (2 * tokens));
    wanted = std::clamp(wanted, i == 0 ? 0 : current, i == 0 ? 0 : current + 1);
    wanted = std::max(wanted, parts - (sequences - i));  // the rest has to go round
    current = wanted;
    if (current < part) begin = i + 1, ids_begin = before + length;
    if (current <= part) end = i + 1, ids_end = before + length;
    before += length;
  }
  BatchPart found{{{batch.ids.begin() + ids_begin, batch.ids.begin() + ids_end},
                   {},
                   {batch.rows.begin() + begin, batch.rows.begin() + end}},
                  begin};
  for (int64_t i = begin; i < end; ++i) {
    if (found.batch.groups.empty() || found.batch.groups.back().length != lengths[i])
      found.batch.groups.push_back({lengths[i], 0});
    ++found.batch.groups.back().count;
  }
  return found;
}

}  // namespace tvae
