// Compiled with -O3 -ffast-math (CMakeLists.txt): a row is reduced and exponentiated with vector instructions.
#include "tvae/ops/linear_cross_entropy_cpu.h"

#include <algorithm>
#include <cmath>

#include "tvae/ops/parallel.h"

namespace tvae::cpu {

template <class T>
void cross_entropy(const CrossEntropyRows<T>& batch) {
  const int64_t vocabulary = batch.vocabulary;
  const T scale = static_cast<T>(batch.scale);
  parallel_for(0, batch.rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      T* __restrict row = batch.logits + r * vocabulary;
      const T target_logit = row[batch.targets[r]];
      T largest = row[0];
      for (int64_t c = 1; c < vocabulary; ++c) largest = std::max(largest, row[c]);
      // Of equal ones the first is the answer, as for argmax.
      const bool is_argmax =
          target_logit == largest && std::find(row, row + batch.targets[r], largest) == row + batch.targets[r];
      T sum = 0;
      for (int64_t c = 0; c < vocabulary; ++c) sum += (row[c] = std::exp((row[c] - largest) * scale));
      batch.nats[r] = std::log(sum) - (target_logit - largest) * scale;
      batch.correct[r] = is_argmax;
      if (!batch.want_gradient) continue;
      // (p - onehot) · weight · scale
      const T factor = scale * (batch.weights == nullptr ? T(1) : batch.weights[r]);
      const T normalizer = factor / sum;
      for (int64_t c = 0; c < vocabulary; ++c) row[c] *= normalizer;
      row[batch.targets[r]] -= factor;
    }
  });
}

template void cross_entropy<float>(const CrossEntropyRows<float>&);
template void cross_entropy<double>(const CrossEntropyRows<double>&);

}  // namespace tvae::cpu
