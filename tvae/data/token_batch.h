// A batch as one token stream: no padding; sequences of equal length stand together, longest groups last.
#pragma once

#include <cstdint>
#include <vector>

namespace tvae {

/// `count` sequences of `length` tokens each, one after the other in the stream.
struct LengthGroup {
  int64_t length = 0;
  int64_t count = 0;
  bool operator==(const LengthGroup&) const = default;
};

/// Sequences sorted by length (stable) and laid end to end. Every sequence ends with the end-of-sequence id.
struct TokenBatch {
  std::vector<int32_t> ids;         // [T]
  std::vector<LengthGroup> groups;  // ascending length
  std::vector<int64_t> rows;        // [B] for each sequence of the stream, its index in what the caller passed

  int64_t sequences() const { return static_cast<int64_t>(rows.size()); }
  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
};

/// Sorts sequences by length into a stream. Empty sequences are not allowed (a bug: eos is always there).
TokenBatch make_token_batch(const std::vector<std::vector<int32_t>>& sequences);

/// A part of a batch: neighbouring sequences of its stream.
struct BatchPart {
  TokenBatch batch;
  int64_t first = 0;  // its first sequence in the whole batch
};
/// One of `parts` parts of about as many tokens each, none empty. Throws DataError where there are fewer sequences.
BatchPart part_of(const TokenBatch& batch, int64_t part, int64_t parts);

}  // namespace tvae
