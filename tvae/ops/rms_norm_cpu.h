// The CPU kernels behind rms_norm(), instantiated for float and double.
#pragma once

#include <cstdint>

namespace tvae::cpu {

/// Partial sums of the weight gradient; fixed, so that their order does not depend on the number of threads.
inline constexpr int64_t kRmsNormChunks = 16;

/// out = x · s · weight over rows of d numbers, s = 1/√(mean x² + epsilon), which `inverse` [rows] keeps.
template <class T>
void rms_norm_forward(const T* x, const T* weight, T* out, T* inverse, int64_t rows, int64_t d, double epsilon);

/// dx = s·(g·w) − x·s³·mean(g·w·x) of the gradient g; dw_parts [kRmsNormChunks, d], zeroed by the caller, add up to
/// dw = Σ_rows g·x·s.
template <class T>
void rms_norm_backward(const T* grad, const T* x, const T* weight, const T* inverse, T* dx, T* dw_parts, int64_t rows,
                       int64_t d);

}  // namespace tvae::cpu
