// What attention() is told besides tensors; the CPU kernel reads it too.
#pragma once

#include <cstdint>

namespace tvae {

struct AttentionOptions {
  int64_t num_heads = 1;
  bool causal = false;       // key j is visible to query i where j <= i + query_offset
  int64_t query_offset = 0;  // position of each sequence's first query; > 0 while decoding with a cache
  double dropout = 0.0;      // of the probabilities
  uint64_t dropout_key = 0;
};

}  // namespace tvae
