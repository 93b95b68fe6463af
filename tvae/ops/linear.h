// Matrix products of the layers, on the fastest kernel there is.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// Whether this processor multiplies bf16 faster than fp32 (AVX512_BF16, which processors with AMX have too).
bool has_bf16_products();

/// While one lives that is enabled, the products below round fp32 matrices to bf16 before they multiply them, and their
/// result once more: twice the speed where the processor has instructions for it. All else stays fp32, as under
/// PyTorch's autocast. Of the thread that made it.
class Bf16Products {
 public:
  explicit Bf16Products(bool enable) : before_(enabled_) { enabled_ = enable; }
  ~Bf16Products() { enabled_ = before_; }
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

  static bool enabled() { return enabled_; }

 private:
  static inline thread_local bool enabled_ = false;
  bool before_;
};

/// A matrix as the products below multiply it, for who multiplies it several times: rounded under Bf16Products. They
/// take the result wherever they take x.
torch::Tensor product_operand(const torch::Tensor& x);

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
