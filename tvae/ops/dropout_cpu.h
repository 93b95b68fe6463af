// The CPU kernel behind dropout(), instantiated for float and double.
#pragma once

#include <cstdint>

namespace tvae::cpu {

/// out[i] = x[i] · keep(i), with `residual` (or null) added: n numbers each. keep is 0 with probability p, else
/// 1/(1-p), and depends on the key and on i alone.
template <class T>
void dropout(const T* x, const T* residual, T* out, int64_t n, double p, uint64_t key);

}  // namespace tvae::cpu
