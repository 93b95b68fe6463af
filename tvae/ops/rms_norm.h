// T5's layer norm: root mean square, no centring, no bias.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// x · rsqrt(mean(x²) + epsilon) · weight over the last dimension (T5LayerNorm; Zhang & Sennrich 2019). x [..., d],
/// weight [d].
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon);

}  // namespace tvae
