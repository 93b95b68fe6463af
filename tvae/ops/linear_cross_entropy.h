// Output projection and cross-entropy together, a chunk of tokens at a time: nothing of size tokens × vocabulary lives.
#pragma once

#include <functional>

#include "tvae/ops/torch.h"

namespace tvae {

struct CrossEntropy {
  torch::Tensor loss;        // scalar: sum over tokens of weight · cross-entropy; differentiable in states and weight
  torch::Tensor token_nats;  // [T] cross-entropy of each token, detached
  torch::Tensor correct;     // [T] bool: the target has the largest logit
};

/// logits = scale · states · projectionᵀ; targets [T] int64; token_weights [T] (undefined = ones). states [T, d],
/// projection [V, d]. Gradients are computed in the forward pass, chunk by chunk (as in Liger Kernel, Hsu et al. 2024).
CrossEntropy linear_cross_entropy(const torch::Tensor& states, const torch::Tensor& projection,
                                  const torch::Tensor& targets, const torch::Tensor& token_weights, double scale);

/// The same without gradients, where something else than such a product makes the logits [n, V] of states [n, d].
CrossEntropy cross_entropy_of(const std::function<torch::Tensor(const torch::Tensor&)>& logits,
                              const torch::Tensor& states, const torch::Tensor& targets, int64_t vocabulary);

/// Tokens whose logits are alive together.
int64_t logit_rows(int64_t tokens, int64_t vocabulary);

}  // namespace tvae
