// The norm of all gradients together, and clipping by it.
#pragma once

#include <functional>
#include <vector>

#include "tvae/optim/optimizer.h"

namespace tvae {

/// L2 norm over every gradient, before clipping: a number without dimensions, on the gradients' device. Gradients are
/// scaled down in place so that it is at most max_norm, as torch.nn.utils.clip_grad_norm_ does; max_norm 0 only
/// measures. What follows from a norm that is not finite is the caller's choice: on the CPU the gradients are then left
/// alone, elsewhere they are of no use any more. Waits for no GPU.
/// `of_all`: what makes the norm of these the norm of all, where other processes have other gradients.
torch::Tensor clip_gradients(const std::vector<NamedParameter>& parameters, double max_norm,
                             const std::function<torch::Tensor(const torch::Tensor&)>& of_all = {});

}  // namespace tvae
