// The CPU kernels behind gated_gelu(), instantiated for float and double.
#pragma once

#include <cstdint>

namespace tvae::cpu {

/// out[i] = gelu(gate[i]) · x[i], n numbers each, gelu in its tanh approximation.
template <class T>
void gated_gelu(const T* gate, const T* x, T* out, int64_t n);

/// Its gradients from that of the output.
template <class T>
void gated_gelu_backward(const T* d_out, const T* gate, const T* x, T* d_gate, T* d_x, int64_t n);

}  // namespace tvae::cpu
