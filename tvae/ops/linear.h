// Matrix products of the layers, on the fastest kernel there is.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// a · b for matrices [N, K] and [K, M] of any strides; not differentiable. In fp32 on a processor with AVX-512
/// through oneDNN, which uses it where MKL keeps to AVX2 (about twice as fast on AMD's Zen 5); otherwise at::mm.
torch::Tensor matrix_product(const torch::Tensor& a, const torch::Tensor& b);

/// out = beta · out + alpha · a · b, in place, out [N, M] with rows of adjacent numbers.
void matrix_product_out(torch::Tensor out, const torch::Tensor& a, const torch::Tensor& b, double beta,
                        double alpha = 1.0);

/// y = x Wᵀ + b: x [..., in], weight [out, in], bias [out] or undefined. Differentiable; all three products go through
/// matrix_product().
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias = {});

}  // namespace tvae
