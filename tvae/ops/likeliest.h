// The choice of greedy decoding.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

struct Likeliest {
  torch::Tensor ids;          // [N] int64, of the largest logit; of equal ones any
  torch::Tensor probability;  // [N] fp32, its share of the softmax; not finite where a logit is NaN or infinite
};

/// logits [N, V], fp32. Not differentiable.
Likeliest likeliest(const torch::Tensor& logits);

}  // namespace tvae
