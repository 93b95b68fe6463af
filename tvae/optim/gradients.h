// The norm of all gradients together, and clipping by it.
#pragma once

#include <vector>

#include "tvae/optim/optimizer.h"

namespace tvae {

/// L2 norm over every gradient, before clipping. Gradients are scaled down in place so that it is at most max_norm, as
/// torch.nn.utils.clip_grad_norm_ does; max_norm 0 only measures. A norm that is not finite is returned and the
/// gradients are left alone: what then happens is the caller's choice. Waits for the device once.
double clip_gradients(const std::vector<NamedParameter>& parameters, double max_norm);

}  // namespace tvae
