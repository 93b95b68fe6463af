// Compiled with -O3 -ffast-math (CMakeLists.txt): the reciprocals are vector instructions.
#include "tvae/ops/mmd_cpu.h"

#include <algorithm>

#include "tvae/ops/parallel.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kBlock = 1024;  // summed in T, blocks in double

template <class T, bool kWantSlope>
T block_sum(T* __restrict squared, int64_t n, const std::array<T, kMultiquadricScales.size()>& inverse) {
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T s = squared[i];
    T value = 0, slope = 0;
    for (const T c : inverse) {
      const T r = T(1) / (T(1) + s * c);
      value += r;
      slope -= c * r * r;
    }
    sum += value;
    if (kWantSlope) squared[i] = slope;
  }
  return sum;
}

}  // namespace

template <class T>
double multiquadric_sum(T* squared, int64_t n, double dimensions, bool want_slope) {
  std::array<T, kMultiquadricScales.size()> inverse;
  for (size_t k = 0; k < inverse.size(); ++k)
    inverse[k] = static_cast<T>(1.0 / (2.0 * dimensions * kMultiquadricScales[k]));
  const auto blocks_sum = [&](int64_t begin, int64_t end) {
    double sum = 0.0;
    for (int64_t block = begin; block < end; ++block) {
      T* const first = squared + block * kBlock;
      const int64_t length = std::min(kBlock, n - block * kBlock);
      sum += want_slope ? block_sum<T, true>(first, length, inverse) : block_sum<T, false>(first, length, inverse);
    }
    return sum;
  };
  return parallel_sum(0, (n + kBlock - 1) / kBlock, /*grain=*/16, blocks_sum);
}

template double multiquadric_sum<float>(float*, int64_t, double, bool);
template double multiquadric_sum<double>(double*, int64_t, double, bool);

}  // namespace tvae::cpu
