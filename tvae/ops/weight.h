// A weight as it is kept: dense, or 8-bit integers with a scale a row, which take a quarter of the memory.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// Dense numbers of any shape, or the matrix values[i, j] · scale[i]. The latter is for the CPU and is not trained.
struct Weight {
  torch::Tensor values;      // int8 [rows, columns] where there is a scale
  torch::Tensor scale = {};  // [rows, 1]; undefined = dense

  bool defined() const { return values.defined(); }
  bool is_int8() const { return scale.defined(); }
  /// Type of the numbers that it stands for.
  torch::ScalarType dtype() const { return (is_int8() ? scale : values).scalar_type(); }
  /// The numbers; a copy where they are int8.
  torch::Tensor dense() const;
  /// Those of the rows `ids` [...]: [..., columns].
  torch::Tensor rows(const torch::Tensor& ids) const;
};

/// Whether products with int8 weights round the rows of x as well, each to 8 bits with a scale of its own, and multiply
/// integers: where the processor adds such products into 32 bits (AVX512_VNNI).
bool multiplies_integers();

/// y = x Wᵀ + b as linear() of ops/linear.h has it. Int8 weights get no gradient; x and b do.
torch::Tensor linear(const torch::Tensor& x, const Weight& weight, const torch::Tensor& bias = {});

}  // namespace tvae
