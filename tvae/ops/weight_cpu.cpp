// Compiled with -O3 -ffast-math (CMakeLists.txt): sums run in vector registers.
#include "tvae/ops/weight_cpu.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "tvae/ops/parallel.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kWeights = 1 << 16;  // the least that is worth a thread
constexpr int64_t kNumbers = 1 << 14;  // the same of what is only read and written
constexpr float kLargest = 127.0f, kSmallest = 1e-30f;
constexpr int64_t kRowsAtOnce = 8;  // whose sums are in registers together, so that a weight is converted once

int64_t grain_of(const Int8Matrix& matrix) {
  return std::max<int64_t>(1, kWeights / std::max<int64_t>(1, matrix.inputs));
}

int64_t grain_of(int64_t numbers_a_row) {
  return std::max<int64_t>(1, kNumbers / std::max<int64_t>(1, numbers_a_row));
}

/// Returns the scale.
float quantize_row(const float* __restrict x, int64_t n, int8_t* __restrict values) {
  // As integers, the magnitudes of floats are in their own order, infinity and then NaN last.
  uint32_t largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::bit_cast<uint32_t>(x[i]) & 0x7FFFFFFFu);
  const float magnitude = std::bit_cast<float>(largest);
  const bool is_zero = magnitude < kSmallest;  // so small that it has no inverse
  const float inverse = is_zero ? 0.0f : kLargest / magnitude;
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<int8_t>(static_cast<int32_t>(std::rint(x[i] * inverse)));
  return is_zero ? 0.0f : magnitude / kLargest;  // not finite where a number is not
}

void scale_row(int32_t* __restrict sums, int64_t n, float row_scale, const float* __restrict scale) {
  for (int64_t i = 0; i < n; ++i)
    sums[i] = std::bit_cast<int32_t>(static_cast<float>(sums[i]) * (row_scale * scale[i]));
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

void quantize_rows(const float* x, int64_t rows, int64_t inputs, int8_t* values, float* scale) {
  parallel_for(0, rows, grain_of(inputs), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) scale[r] = quantize_row(x + r * inputs, inputs, values + r * inputs);
  });
}

void scale_sums(int32_t* sums, int64_t rows, int64_t outputs, const float* row_scale, const float* output_scale) {
  parallel_for(0, rows, grain_of(outputs), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) scale_row(sums + r * outputs, outputs, row_scale[r], output_scale);
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
