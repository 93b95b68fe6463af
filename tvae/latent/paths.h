// Paths between two codes.
#pragma once

#include <functional>
#include <string>

#include "tvae/base/registry.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// a [K, D], b [K, D], ratios [R] (0 gives a and 1 gives b, exactly) → [R, K, D].
using PathFunction =
    std::function<torch::Tensor(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& ratios)>;

/// Straight line.
torch::Tensor lerp_path(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& ratios);
/// Spherical interpolation of the whole code (Shoemake 1985; White 2016 for latent spaces). Where the angle is
/// undefined or the arc is not unique (zero, parallel or opposite codes) it is the straight line.
torch::Tensor slerp_path(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& ratios);
/// The same for each of the K codes by itself.
torch::Tensor token_slerp_path(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& ratios);

/// Slerp of the last dimension: a, b [..., D], ratios broadcast against [..., 1]. Differentiable everywhere, twice too:
/// where it is the straight line, so are its derivatives.
torch::Tensor slerp(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& ratios);

/// By name.
Registry<PathFunction>& paths();

}  // namespace tvae
