// Compiled with -O3 -ffast-math (CMakeLists.txt): the hash vectorises.
#include "tvae/ops/dropout_cpu.h"

#include <algorithm>

#include "tvae/ops/parallel.h"
#include "tvae/ops/random_bits.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;

/// Numbers from `begin` to `end` of dropout(). The compiler makes vector code of it because every pointer is its own
/// and every number is computed, whether it is dropped or not.
template <class T, bool has_residual>
void drop_range(const T* __restrict x, const T* __restrict residual, T* __restrict out, int64_t begin, int64_t end,
                uint32_t threshold, T scale, uint64_t key, uint32_t first) {
  for (int64_t i = begin; i < end; ++i) {
    const T kept = x[i] * scale, dropped = random_bits(key, first + static_cast<uint32_t>(i)) < threshold ? T(0) : kept;
    out[i] = has_residual ? residual[i] + dropped : dropped;
  }
}

}  // namespace

template <class T>
void dropout(const T* x, const T* residual, T* out, int64_t n, double p, uint64_t key, uint32_t first) {
  const uint32_t threshold = drop_threshold(p);
  const T scale = static_cast<T>(1.0 / (1.0 - p));
  parallel_for(0, n, kGrain, [=](int64_t begin, int64_t end) {
    if (residual == nullptr)
      drop_range<T, false>(x, nullptr, out, begin, end, threshold, scale, key, first);
    else
      drop_range<T, true>(x, residual, out, begin, end, threshold, scale, key, first);
  });
}

template <class T>
void relu_dropout(const T* x, T* out, int64_t n, double p, uint64_t key, uint32_t first) {
  const uint32_t threshold = drop_threshold(p);
  const T scale = static_cast<T>(1.0 / (1.0 - p));
  parallel_for(0, n, kGrain, [=](int64_t begin, int64_t end) {
    const T* __restrict from = x;
    T* __restrict to = out;
    for (int64_t i = begin; i < end; ++i) {
      const T kept = std::max(from[i], T(0)) * scale;
      to[i] = random_bits(key, first + static_cast<uint32_t>(i)) < threshold ? T(0) : kept;
    }
  });
}

template <class T>
void relu_dropout_backward(const T* d_out, const T* out, T* d_x, int64_t n, double p) {
  const T scale = static_cast<T>(1.0 / (1.0 - p));
  parallel_for(0, n, kGrain, [=](int64_t begin, int64_t end) {
    const T* __restrict gradient = d_out;
    const T* __restrict y = out;
    T* __restrict to = d_x;
    for (int64_t i = begin; i < end; ++i) {
      const T kept = gradient[i] * scale;
      to[i] = y[i] > T(0) ? kept : T(0);
    }
  });
}

template void dropout<float>(const float*, const float*, float*, int64_t, double, uint64_t, uint32_t);
template void dropout<double>(const double*, const double*, double*, int64_t, double, uint64_t, uint32_t);
template void relu_dropout<float>(const float*, float*, int64_t, double, uint64_t, uint32_t);
template void relu_dropout<double>(const double*, double*, int64_t, double, uint64_t, uint32_t);
template void relu_dropout_backward<float>(const float*, const float*, float*, int64_t, double);
template void relu_dropout_backward<double>(const double*, const double*, double*, int64_t, double);

}  // namespace tvae::cpu
