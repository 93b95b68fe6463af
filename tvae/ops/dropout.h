// Dropout from an explicit key: the mask is a hash of (key, element), drawn again in the backward pass, never stored.
#pragma once

#include <torch/torch.h>

namespace tvae {

/// x with each element zeroed with probability p, the rest scaled by 1/(1-p). p = 0 gives x itself.
torch::Tensor dropout(const torch::Tensor& x, double p, uint64_t key);

/// residual + dropout(x, p): the end of every T5 sub-layer in one pass.
torch::Tensor dropout_add(const torch::Tensor& x, const torch::Tensor& residual, double p, uint64_t key);

}  // namespace tvae
