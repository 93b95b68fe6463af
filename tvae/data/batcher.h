// Endless, seeded, length-stratified batches with a position that can be saved.
#pragma once

#include <cstdint>
#include <vector>

#include "tvae/base/random.h"
#include "tvae/data/token_batch.h"
#include "tvae/data/token_cache.h"

namespace tvae {

/// Where a Batcher stands; small, stored in a checkpoint.
struct BatchPosition {
  int64_t epoch = 0;
  int64_t batch = 0;  // next batch within the epoch; less than batches_per_epoch()
  bool operator==(const BatchPosition&) const = default;
};

struct BatchOptions {
  int64_t batch_size = 32;   // sequences, at most
  int64_t batch_tokens = 0;  // tokens instead, when > 0: as many sequences as come nearest
  int64_t seed = 42;
  bool shuffle = true;  // false: in order, the last batch of an epoch may be short
};

/// Each epoch visits every sequence once, in an order that depends on (seed, epoch) alone. With shuffling, every batch
/// takes its share of each length class, so that lengths are mixed alike in all batches and shapes nearly repeat; where
/// batch_size does not divide the data, batches differ in size by one sequence. Of data in many shards (token_cache.h)
/// the same is done with a few of them after the other, in a random order of the shards, so that what is in memory does
/// not grow with the data.
class Batcher {
 public:
  /// Throws DataError where there are no sequences.
  Batcher(const TokenDataset& dataset, const BatchOptions& options);
  /// The next batch; TokenBatch::rows hold dataset indices. Goes on to the next epoch by itself.
  TokenBatch next();
  int64_t batches_per_epoch() const { return epoch_batches_; }
  /// No batch has fewer sequences.
  int64_t fewest_sequences() const;
  BatchPosition position() const { return position_; }
  /// Throws CheckpointError where the position does not fit the data.
  void seek(const BatchPosition& position);

 private:
  using Batches = std::vector<std::vector<int64_t>>;  // dataset indices

  Batches in_order() const;
  /// `members` dealt out to `batch_count` batches.
  Batches stratified(std::vector<int64_t> members, int64_t batch_count, PortableRandom& random) const;
  std::vector<int64_t> batches_of_shards() const;
  /// Makes the batches among which the present position is, where they are not there.
  void find_block();

  TokenDataset dataset_;
  BatchOptions options_;
  BatchPosition position_;
  std::vector<int64_t> batches_of_shards_;
  int64_t epoch_batches_ = 0;
  Batches batches_;                             // of the block: some shards of an epoch, or all there are
  int64_t block_epoch_ = -1, block_first_ = 0;  // its epoch and its first batch in that
};

}  // namespace tvae
