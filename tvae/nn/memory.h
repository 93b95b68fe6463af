// What a decoder attends to.
#pragma once

#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// Memory rows a sequence attends to: states [Σ length, d].
struct Memory {
  torch::Tensor states;
  Spans spans;                    // one a sequence
  torch::Tensor input_embedding;  // [B, d] added to every decoder input embedding, or undefined
};

}  // namespace tvae
