// Gradient checkpointing: a part of the forward pass that keeps only its inputs and is computed again when its
// gradients are needed (torch.utils.checkpoint).
#pragma once

#include <functional>
#include <vector>

#include "tvae/ops/torch.h"

namespace tvae {

/// body(inputs), of which only `inputs` are kept. `weights`: every other tensor that wants a gradient from `body`. The
/// body is called again in the backward pass and must then give the same, dropout included: it draws from a copy of the
/// random state. Gradients are bit for bit those of body(inputs) itself. No second derivatives.
torch::Tensor recompute(const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& body,
                        const std::vector<torch::Tensor>& inputs, const std::vector<torch::Tensor>& weights);

}  // namespace tvae
