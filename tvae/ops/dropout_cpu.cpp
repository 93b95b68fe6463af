// Compiled with -O3 -ffast-math (CMakeLists.txt): the hash vectorises.
#include "tvae/ops/dropout_cpu.h"

#include "tvae/ops/parallel.h"
#include "tvae/ops/random_bits.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;

}  // namespace

template <class T>
void dropout(const T* __restrict x, const T* __restrict residual, T* __restrict out, int64_t n, double p,
             uint64_t key) {
  const uint32_t threshold = drop_threshold(p);
  const T scale = static_cast<T>(1.0 / (1.0 - p));
  parallel_for(0, n, kGrain, [&](int64_t begin, int64_t end) {
    if (residual == nullptr) {
      for (int64_t i = begin; i < end; ++i)
        out[i] = random_bits(key, static_cast<uint32_t>(i)) < threshold ? T(0) : x[i] * scale;
    } else {
      for (int64_t i = begin; i < end; ++i)
        out[i] = residual[i] + (random_bits(key, static_cast<uint32_t>(i)) < threshold ? T(0) : x[i] * scale);
    }
  });
}

template void dropout<float>(const float*, const float*, float*, int64_t, double, uint64_t);
template void dropout<double>(const double*, const double*, double*, int64_t, double, uint64_t);

}  // namespace tvae::cpu
