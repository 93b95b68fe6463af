// Maximum mean discrepancy between two samples, in Gram form: nothing of size N × N × d.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// ‖x_i − y_j‖², [N, M], from ‖x‖² + ‖y‖² − 2 x yᵀ, at least 0.
torch::Tensor squared_distances(const torch::Tensor& x, const torch::Tensor& y);

/// As published by T5-VAE and Transformer-VAE: kernel exp(−‖x−y‖²/bandwidth), biased (diagonals kept):
/// mean K(t,t) + mean K(z,z) − 2 mean K(t,z). x and t [N, D]; bandwidth ≤ 0 means D².
torch::Tensor gaussian_mmd(const torch::Tensor& t, const torch::Tensor& z, double bandwidth = 0.0);

/// Correctly scaled (Tolstikhin et al. 2018): inverse multiquadrics Σ_C C/(C+‖x−y‖²), C = 2D·{.1, .2,
/// .5, 1, 2, 5, 10}. Unbiased (diagonals left out), so it is 0 on average for equal distributions and may be negative.
/// x [N, D], y [M, D], M ≥ 2. `past` [Q, D], N + Q ≥ 2, are further samples of x's distribution. Gradients flow to x
/// alone: those of MMD({x, past}, y). With a past, pairs without a row of x, which add none, are estimated from the
/// first N rows of past and y.
torch::Tensor multiquadric_mmd(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& past = {});

}  // namespace tvae
