// Endless, seeded, length-stratified batches with a position that can be saved.
#pragma once

#include <cstdint>
#include <vector>

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
/// batch_size does not divide the data, batches differ in size by one sequence.
class Batcher {
 public:
  /// Throws DataError where there are no sequences.
  Batcher(const TokenDataset& dataset, const BatchOptions& options);
  /// The next batch; TokenBatch::rows hold dataset indices. Goes on to the next epoch by itself.
  TokenBatch next();
  int64_t batches_per_epoch() const { return static_cast<int64_t>(batches_.size()); }
  BatchPosition position() const { return position_; }
  /// Throws CheckpointError where the position does not fit the data.
  void seek(const BatchPosition& position);

 private:
  std::vector<std::vector<int64_t>> in_order() const;
  std::vector<std::vector<int64_t>> stratified(int64_t epoch) const;
  TokenDataset dataset_;
  BatchOptions options_;
  BatchPosition position_;
  std::vector<std::vector<int64_t>> batches_;  // dataset indices of this epoch
};

}  // namespace tvae
