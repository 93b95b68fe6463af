// What attention() is told besides tensors; the CPU kernel reads it too.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tvae {

struct AttentionOptions {
  int64_t num_heads = 1;
  bool causal = false;   // a query sees the keys up to its own place
  double dropout = 0.0;  // of the probabilities
  uint64_t dropout_key = 0;
  int64_t dropout_first = 0;  // place of the first probability in the stream of that key (random_bits.h)
};

/// Place of a sequence's first query among its keys.
inline int64_t first_place(int64_t queries, int64_t keys) {
  return std::max<int64_t>(0, keys - queries);
}

}  // namespace tvae
