// Tokenised sequences of a file, made once and memory-mapped from then on.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/data/data_file.h"
#include "tvae/text/tokenizer.h"

namespace tvae {

struct TokenizeOptions {
  int64_t max_tokens = 64;  // end of sequence included
  bool cut = false;         // longer sequences: cut (keeping the end of sequence) or dropped
};

/// Sequences of token ids, each ending with eos. Copies share the mapping.
class TokenDataset {
 public:
  int64_t size() const;                                // sequences
  std::span<const int32_t> sequence(int64_t i) const;  // ids, eos included; valid while the dataset lives
  int64_t length(int64_t i) const;
  /// Index of the row of the file that sequence i came from (rows as read_rows gives them; of a large file, in its
  /// part).
  int64_t source_row(int64_t i) const;
  int64_t tokens() const;
  int64_t overlong() const;       // sequences dropped or cut
  int64_t untokenizable() const;  // rows that do not survive encode/decode
  uint64_t fingerprint() const;   // of content and tokenizer

  /// Those of a large file lie in several caches, one a part (large_file.h), which are mapped as they are needed.
  /// Sequences of a shard: [first_of_shard(s), first_of_shard(s + 1)).
  int64_t shards() const;
  int64_t first_of_shard(int64_t shard) const;
  int64_t tokens_of_shard(int64_t shard) const;
  /// Reads a shard through. Throws DataError where its cache is damaged; that of a file that is not large was read when
  /// it was opened.
  void require_sound(int64_t shard) const;

  /// Tokenises in memory, with all cores.
  static TokenDataset from_texts(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                 const TokenizeOptions& options);
  /// The same through a cache file in `cache_dir` (empty: $XDG_CACHE_HOME/tvae or ~/.cache/tvae), keyed by the
  /// fingerprints of file and tokenizer and the tokenize options. Written atomically; a damaged cache file is made
  /// again; of two processes at once one waits for the other. What describe_reading says is told with log_warning,
  /// once.
  static TokenDataset from_file(DataFile& file, const Tokenizer& tokenizer, const TokenizeOptions& options,
                                const std::string& cache_dir = "", Progress& progress = Progress::none());
  static TokenDataset from_file(const std::string& path, const ReadOptions& read, const Tokenizer& tokenizer,
                                const TokenizeOptions& options, const std::string& cache_dir = "");

 private:
  struct Storage;
  explicit TokenDataset(std::vector<std::shared_ptr<const Storage>> shards);
  int64_t total(int64_t (*of)(const Storage&)) const;
  int64_t shard_of(int64_t i) const;

  std::vector<std::shared_ptr<const Storage>> shards_;
  std::vector<int64_t> starts_;  // of each shard's sequences, and their end
};

}  // namespace tvae
