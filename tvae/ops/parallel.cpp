#include "tvae/ops/parallel.h"

#include <ATen/Parallel.h>

namespace tvae {

void parallel_for(int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  at::parallel_for(begin, end, grain, body);
}

double parallel_sum(int64_t begin, int64_t end, int64_t grain, const std::function<double(int64_t, int64_t)>& body) {
  return at::parallel_reduce(
      begin, end, grain, 0.0, [&](int64_t first, int64_t last, double zero) { return zero + body(first, last); },
      std::plus<double>());
}

}  // namespace tvae
