// Compiled with -O3 -ffast-math (CMakeLists.txt): rows are reduced with vector instructions.
#include "tvae/ops/rms_norm_cpu.h"

#include <cmath>

#include "tvae/ops/parallel.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kGrain = 32;  // rows

}  // namespace

template <class T>
void rms_norm_forward(const T* x, const T* weight, T* out, T* inverse, int64_t rows, int64_t d, double epsilon) {
  parallel_for(0, rows, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* __restrict row = x + r * d;
      T* __restrict y = out + r * d;
      T sum = 0;
      for (int64_t c = 0; c < d; ++c) sum += row[c] * row[c];
      const T scale = T(1) / std::sqrt(sum / static_cast<T>(d) + static_cast<T>(epsilon));
      inverse[r] = scale;
      for (int64_t c = 0; c < d; ++c) y[c] = row[c] * scale * weight[c];
    }
  });
}

template <class T>
void rms_norm_backward(const T* grad, const T* x, const T* weight, const T* inverse, T* dx, T* dw_parts, int64_t rows,
                       int64_t d) {
  parallel_for(0, kRmsNormChunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      T* __restrict dw = dw_parts + chunk * d;
      for (int64_t r = rows * chunk / kRmsNormChunks; r < rows * (chunk + 1) / kRmsNormChunks; ++r) {
        const T* __restrict g = grad + r * d;
        const T* __restrict row = x + r * d;
        T* __restrict out = dx + r * d;
        const T s = inverse[r];
        T inner = 0;
        for (int64_t c = 0; c < d; ++c) inner += g[c] * weight[c] * row[c];
        const T factor = inner * s * s * s / static_cast<T>(d);
        for (int64_t c = 0; c < d; ++c) {
          out[c] = s * g[c] * weight[c] - row[c] * factor;
          dw[c] += g[c] * row[c] * s;
        }
      }
    }
  });
}

template void rms_norm_forward<float>(const float*, const float*, float*, float*, int64_t, int64_t, double);
template void rms_norm_forward<double>(const double*, const double*, double*, double*, int64_t, int64_t, double);
template void rms_norm_backward<float>(const float*, const float*, const float*, const float*, float*, float*, int64_t,
                                       int64_t);
template void rms_norm_backward<double>(const double*, const double*, const double*, const double*, double*, double*,
                                        int64_t, int64_t);

}  // namespace tvae::cpu
