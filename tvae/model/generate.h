// Free-running decoding of codes: greedy or sampled, batched, with a static key-value cache; finished rows leave the
// batch.
#pragma once

#include <vector>

#include "tvae/model/transformer_vae.h"

namespace tvae {

struct GenerationOptions {
  int64_t max_tokens = 64;   // longest output, end of sequence included
  bool sample = false;       // false: greedy
  double temperature = 1.0;  // of sampling
  int64_t top_k = 0;         // 0 = all
  double top_p = 1.0;        // 1 = all
  uint64_t seed = 42;        // of sampling
  int64_t batch_rows = 512;  // codes decoded at once
};

struct Generated {
  std::vector<int32_t> ids;        // without end of sequence
  std::vector<float> probability;  // of each id, and of the end of sequence if it came
  bool finished = false;           // the end of sequence came before max_tokens
};

/// code [N, K, D] → N outputs, in order.
std::vector<Generated> generate(const TransformerVae& vae, const torch::Tensor& code, const GenerationOptions& options);

}  // namespace tvae
