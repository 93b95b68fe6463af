// Compiled with -O3 -ffast-math (CMakeLists.txt): sums run in vector registers.
#include "tvae/ops/weight_cpu.h"

#include <algorithm>

#include "tvae/ops/parallel.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kWeights = 1 << 16;  // the least that is worth a thread
constexpr int64_t kRowsAtOnce = 8;     // whose sums are in registers together, so that a weight is converted once

int64_t grain_of(const Int8Matrix& matrix) {
  return std::max<int64_t>(1, kWeights / std::max<int64_t>(1, matrix.inputs));
}

/// Some outputs of `rows` rows, of which there are at most kRows.
template <int64_t kRows>
void product(const float* __restrict x, int64_t rows, const Int8Matrix& matrix, float* __restrict out, int64_t begin,
             int64_t end) {
  if constexpr (kRows > 1)
    if (rows < kRows) return product<kRows - 1>(x, rows, matrix, out, begin, end);
  const int64_t inputs = matrix.inputs;
  for (int64_t o = begin; o < end; ++o) {
    const int8_t* __restrict values = matrix.values + o * inputs;
    float sums[kRows] = {};
    for (int64_t i = 0; i < inputs; ++i) {
      const auto value = static_cast<float>(values[i]);
      for (int64_t r = 0; r < kRows; ++r) sums[r] += value * x[r * inputs + i];
    }
    for (int64_t r = 0; r < kRows; ++r) out[r * matrix.outputs + o] = matrix.scale[o] * sums[r];
  }
}

}  // namespace

void int8_product(const float* x, int64_t rows, const Int8Matrix& matrix, float* out) {
  parallel_for(0, matrix.outputs, grain_of(matrix), [&](int64_t begin, int64_t end) {
    for (int64_t row = 0; row < rows; row += kRowsAtOnce)
      product<kRowsAtOnce>(x + row * matrix.inputs, rows - row, matrix, out + row * matrix.outputs, begin, end);
  });
}

void int8_to_dense(const Int8Matrix& matrix, float* dense) {
  const int64_t inputs = matrix.inputs;
  parallel_for(0, matrix.outputs, grain_of(matrix), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const int8_t* __restrict values = matrix.values + o * inputs;
      float* __restrict row = dense + o * inputs;
      for (int64_t i = 0; i < inputs; ++i) row[i] = static_cast<float>(values[i]) * matrix.scale[o];
    }
  });
}

}  // namespace tvae::cpu
