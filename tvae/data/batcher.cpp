#include "tvae/data/batcher.h"

#include <algorithm>
#include <numeric>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/random.h"

namespace tvae {
namespace {

int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

Batcher::Batcher(const TokenDataset& dataset, const BatchOptions& options) : dataset_(dataset), options_(options) {
  TVAE_ASSERT(options.batch_size > 0 || options.batch_tokens > 0, "a batch holds something");
  if (dataset.size() == 0) throw DataError("no sequences to make batches of");
  batches_ = options.shuffle ? stratified(0) : in_order();
}

TokenBatch Batcher::next() {
  const std::vector<int64_t>& members = batches_[position_.batch];
  std::vector<std::vector<int32_t>> sequences;
  sequences.reserve(members.size());
  for (const int64_t i : members) {
    const auto ids = dataset_.sequence(i);
    sequences.emplace_back(ids.begin(), ids.end());
  }
  TokenBatch batch = make_token_batch(sequences);
  for (int64_t& row : batch.rows) row = members[row];

  if (++position_.batch == batches_per_epoch()) {
    position_ = {position_.epoch + 1, 0};
    if (options_.shuffle) batches_ = stratified(position_.epoch);
  }
  return batch;
}

void Batcher::seek(const BatchPosition& position) {
  if (position.epoch < 0 || position.batch < 0 || position.batch >= batches_per_epoch())
    throw CheckpointError("the saved position does not fit the data",
                          "batch " + std::to_string(position.batch) + " of epoch " + std::to_string(position.epoch),
                          "a batch below " + std::to_string(batches_per_epoch()),
                          "was the data or the batch size changed?");
  if (options_.shuffle && position.epoch != position_.epoch) batches_ = stratified(position.epoch);
  position_ = position;
}

std::vector<std::vector<int64_t>> Batcher::in_order() const {
  std::vector<std::vector<int64_t>> batches(1);
  int64_t tokens = 0;  // of the last batch
  for (int64_t i = 0; i < dataset_.size(); ++i) {
    const int64_t length = dataset_.length(i);
    const bool full = options_.batch_tokens > 0
                          ? 2 * tokens + length > 2 * options_.batch_tokens  // nearer to the goal without this one
                          : static_cast<int64_t>(batches.back().size()) == options_.batch_size;
    if (full && !batches.back().empty()) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(i);
    tokens += length;
  }
  return batches;
}

std::vector<std::vector<int64_t>> Batcher::stratified(int64_t epoch) const {
  const int64_t count = dataset_.size();
  const int64_t wanted = options_.batch_tokens > 0 ? divide_up(dataset_.tokens(), options_.batch_tokens)
                                                   : divide_up(count, options_.batch_size);
  const int64_t batch_count = std::min(wanted, count);
  PortableRandom random(static_cast<uint64_t>(options_.seed), static_cast<uint64_t>(epoch));

  // Shuffled, then stably sorted by length: sequences of equal length stand in random order.
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), int64_t{0});
  random.shuffle(order.begin(), order.end());
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return dataset_.length(a) < dataset_.length(b); });

  // Each stratum of `batch_count` neighbours in length is dealt out, one to each batch, in random order.
  std::vector<std::vector<int64_t>> batches(batch_count);
  std::vector<int64_t> deal(batch_count);
  std::iota(deal.begin(), deal.end(), int64_t{0});
  for (int64_t i = 0; i < count; ++i) {
    if (i % batch_count == 0) random.shuffle(deal.begin(), deal.end());
    batches[deal[i % batch_count]].push_back(order[i]);
  }
  return batches;
}

}  // namespace tvae
