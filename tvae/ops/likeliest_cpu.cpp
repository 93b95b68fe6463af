// Compiled with -O3 -ffast-math (CMakeLists.txt): a row is reduced and exponentiated with vector instructions.
#include "tvae/ops/likeliest_cpu.h"

#include <algorithm>
#include <cmath>

#include "tvae/ops/parallel.h"

namespace tvae::cpu {
namespace {

constexpr int64_t kGrain = 1 << 15;  // logits that are worth a thread

float largest_of(const float* __restrict row, int64_t n) {
  float largest = row[0];
  for (int64_t i = 1; i < n; ++i) largest = std::max(largest, row[i]);
  return largest;
}

float sum_of_exponentials(const float* __restrict row, int64_t n, float less) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(row[i] - less);
  return sum;
}

}  // namespace

void likeliest(const float* logits, int64_t rows, int64_t n, int64_t* ids, float* probability) {
  parallel_for(0, rows, std::max<int64_t>(1, kGrain / n), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* row = logits + r * n;
      const float largest = largest_of(row, n);
      // A row with numbers that are not finite may have none that equals the largest.
      ids[r] = std::min<int64_t>(std::find(row, row + n, largest) - row, n - 1);
      probability[r] = 1.0f / sum_of_exponentials(row, n, largest);
    }
  });
}

}  // namespace tvae::cpu
