// CPU kernels of int8 weights [outputs, inputs] with a scale an output.
#pragma once

#include <cstdint>

namespace tvae::cpu {

struct Int8Matrix {
  const int8_t* values;  // [outputs, inputs]
  const float* scale;    // [outputs]
  int64_t outputs, inputs;
};

/// out [rows, outputs] = x [rows, inputs] times the transposed matrix.
void int8_product(const float* x, int64_t rows, const Int8Matrix& matrix, float* out);

/// Rows [rows, inputs] as 8-bit integers with a scale a row: x ≈ values · scale, the largest number of a row becoming
/// ±127. A row with a number that is not finite has a scale that is not.
void quantize_rows(const float* x, int64_t rows, int64_t inputs, int8_t* values, float* scale);

/// Sums of products of integers [rows, outputs] become sums · row_scale · output_scale, floats in their place.
void scale_sums(int32_t* sums, int64_t rows, int64_t outputs, const float* row_scale, const float* output_scale);

/// dense [outputs, inputs] = values · scale.
void int8_to_dense(const Int8Matrix& matrix, float* dense);

}  // namespace tvae::cpu
