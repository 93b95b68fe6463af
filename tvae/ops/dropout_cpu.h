// The CPU kernels behind dropout() and relu_dropout(), instantiated for float and double.
#pragma once

#include <cstdint>

namespace tvae::cpu {

/// out[i] = x[i] · keep(i), with `residual` (or null) added: n numbers each. keep is 0 with probability p, else
/// 1/(1-p), and depends on the key and on first + i alone.
template <class T>
void dropout(const T* x, const T* residual, T* out, int64_t n, double p, uint64_t key, uint32_t first);

/// out[i] = max(x[i], 0) · keep(i); that of NaN may be 0.
template <class T>
void relu_dropout(const T* x, T* out, int64_t n, double p, uint64_t key, uint32_t first);

/// Its gradient d_x from that of the output. Where the output is not above 0, the number was negative or dropped: the
/// output tells all, and nothing is drawn again.
template <class T>
void relu_dropout_backward(const T* d_out, const T* out, T* d_x, int64_t n, double p);

}  // namespace tvae::cpu
