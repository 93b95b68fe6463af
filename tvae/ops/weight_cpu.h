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

/// dense [outputs, inputs] = values · scale.
void int8_to_dense(const Int8Matrix& matrix, float* dense);

}  // namespace tvae::cpu
