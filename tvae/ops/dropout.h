// Dropout from an explicit key: the mask is a hash of (key, element), drawn again in the backward pass, never stored.
// Devices without a kernel draw it from a generator, where another first row gives another mask, not the rest of one.
#pragma once

#include "tvae/ops/random_bits.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// x with each element zeroed with probability p, the rest scaled by 1/(1-p). p = 0 gives x itself.
torch::Tensor dropout(const torch::Tensor& x, double p, const RandomKey& key);

/// residual + dropout(x, p): the end of every T5 sub-layer in one pass.
torch::Tensor dropout_add(const torch::Tensor& x, const torch::Tensor& residual, double p, const RandomKey& key);

/// dropout(relu(x), p): the result alone is kept for the backward pass, as zeros of either kind pass no gradient.
torch::Tensor relu_dropout(const torch::Tensor& x, double p, const RandomKey& key);

/// dropout(gelu(gate) · x, p), gelu in its tanh approximation, computed again in the backward pass instead of kept.
torch::Tensor gated_gelu_dropout(const torch::Tensor& gate, const torch::Tensor& x, double p, const RandomKey& key);

}  // namespace tvae
