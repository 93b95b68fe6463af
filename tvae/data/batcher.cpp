#include "tvae/data/batcher.h"

#include <algorithm>
#include <numeric>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/mix64.h"

namespace tvae {
namespace {

constexpr size_t kShardsOfBlock = 8;  // some millions of lines

int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

Batcher::Batcher(const TokenDataset& dataset, const BatchOptions& options) : dataset_(dataset), options_(options) {
  TVAE_ASSERT(options.batch_size > 0 || options.batch_tokens > 0, "a batch holds something");
  if (dataset.size() == 0) throw DataError("no sequences to make batches of");
  if (options.shuffle) {
    batches_of_shards_ = batches_of_shards();
    epoch_batches_ = std::accumulate(batches_of_shards_.begin(), batches_of_shards_.end(), int64_t{0});
  } else {
    batches_ = in_order();
    epoch_batches_ = static_cast<int64_t>(batches_.size());
  }
  find_block();
}

TokenBatch Batcher::next() {
  const std::vector<int64_t>& members = batches_[static_cast<size_t>(position_.batch - block_first_)];
  std::vector<std::vector<int32_t>> sequences;
  sequences.reserve(members.size());
  for (const int64_t i : members) {
    const auto ids = dataset_.sequence(i);
    sequences.emplace_back(ids.begin(), ids.end());
  }
  TokenBatch batch = make_token_batch(sequences);
  for (int64_t& row : batch.rows) row = members[row];

  if (++position_.batch == batches_per_epoch()) position_ = {position_.epoch + 1, 0};
  find_block();
  return batch;
}

void Batcher::seek(const BatchPosition& position) {
  if (position.epoch < 0 || position.batch < 0 || position.batch >= batches_per_epoch())
    throw CheckpointError("the saved position does not fit the data",
                          "batch " + std::to_string(position.batch) + " of epoch " + std::to_string(position.epoch),
                          "a batch below " + std::to_string(batches_per_epoch()),
                          "was the data or the batch size changed?");
  position_ = position;
  find_block();
}

std::vector<int64_t> Batcher::batches_of_shards() const {
  std::vector<int64_t> batches;
  size_t without = 0;
  for (int64_t shard = 0; shard < dataset_.shards(); ++shard) {
    const int64_t count = dataset_.first_of_shard(shard + 1) - dataset_.first_of_shard(shard);
    const bool by_tokens = options_.batch_tokens > 0;
    const int64_t all = by_tokens ? dataset_.tokens_of_shard(shard) : count;
    const int64_t full = by_tokens ? options_.batch_tokens : options_.batch_size;
    // Of several shards, which are dealt out together, one may be too small for a batch of its own.
    const int64_t wanted = dataset_.shards() == 1 ? divide_up(all, full) : (2 * all + full) / (2 * full);
    if (wanted == 0) ++without;
    batches.push_back(wanted == 0 && without > 1 ? 1 : std::min(wanted, count));
  }
  return batches;
}

int64_t Batcher::fewest_sequences() const {
  if (!options_.shuffle) return 1;
  int64_t fewest = dataset_.size();
  for (int64_t shard = 0; shard < dataset_.shards(); ++shard) {
    const int64_t count = dataset_.first_of_shard(shard + 1) - dataset_.first_of_shard(shard);
    const int64_t batches = batches_of_shards_[static_cast<size_t>(shard)];
    if (batches > 0) fewest = std::min(fewest, count / batches);
  }
  return fewest;
}

void Batcher::find_block() {
  if (!options_.shuffle) return;
  const int64_t end = block_first_ + static_cast<int64_t>(batches_.size());
  if (block_epoch_ == position_.epoch && position_.batch >= block_first_ && position_.batch < end) return;
  PortableRandom random(static_cast<uint64_t>(options_.seed), static_cast<uint64_t>(position_.epoch));
  std::vector<int64_t> shards(static_cast<size_t>(dataset_.shards()));
  std::iota(shards.begin(), shards.end(), int64_t{0});
  if (shards.size() > 1) random.shuffle(shards.begin(), shards.end());
  block_epoch_ = position_.epoch;
  block_first_ = 0;
  for (size_t begin = 0, stop; begin < shards.size(); begin = stop) {
    // A last shard by itself goes with those before it.
    stop = shards.size() - begin <= kShardsOfBlock + 1 ? shards.size() : begin + kShardsOfBlock;
    int64_t count = 0;
    for (size_t s = begin; s < stop; ++s) count += batches_of_shards_[static_cast<size_t>(shards[s])];
    if (position_.batch >= block_first_ + count) {
      block_first_ += count;
      continue;
    }
    std::vector<int64_t> members;
    for (size_t s = begin; s < stop; ++s) {
      dataset_.require_sound(shards[s]);
      for (int64_t i = dataset_.first_of_shard(shards[s]); i < dataset_.first_of_shard(shards[s] + 1); ++i)
        members.push_back(i);
    }
    if (begin > 0)
      random =
          PortableRandom(mix64(static_cast<uint64_t>(options_.seed) + begin), static_cast<uint64_t>(position_.epoch));
    batches_ = stratified(std::move(members), count, random);
    return;
  }
}

Batcher::Batches Batcher::in_order() const {
  Batches batches(1);
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

Batcher::Batches Batcher::stratified(std::vector<int64_t> members, int64_t batch_count, PortableRandom& random) const {
  // Shuffled, then stably sorted by length: sequences of equal length stand in random order.
  random.shuffle(members.begin(), members.end());
  std::vector<std::pair<int64_t, int64_t>> order;  // lengths and members
  for (const int64_t member : members) order.emplace_back(dataset_.length(member), member);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });

  // Each stratum of `batch_count` neighbours in length is dealt out, one to each batch, in random order.
  Batches batches(static_cast<size_t>(batch_count));
  std::vector<int64_t> deal(static_cast<size_t>(batch_count));
  std::iota(deal.begin(), deal.end(), int64_t{0});
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t place = i % deal.size();
    if (place == 0) random.shuffle(deal.begin(), deal.end());
    batches[static_cast<size_t>(deal[place])].push_back(order[i].second);
  }
  return batches;
}

}  // namespace tvae
