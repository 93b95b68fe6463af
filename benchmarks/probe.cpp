// How fast the machine is at this moment: one JSON line (benchmarks/README.md).
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "benchmarks/timing.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/torch.h"

namespace tvae {
namespace {

/// Billions of floating-point operations a second of a product of two 1024 x 1024 matrices, the best of many.
template <typename Product>
double speed(const Product& product) {
  constexpr int64_t kSize = 1024, kRepeats = 30;
  const torch::Tensor a = at::randn({kSize, kSize}), b = at::randn({kSize, kSize});
  torch::Tensor out = at::empty({kSize, kSize});
  double best = INFINITY;
  for (int64_t i = 0; i < kRepeats; ++i) {
    const auto begin = Clock::now();
    product(out, a, b);
    best = std::min(best, seconds_since(begin));
  }
  return 2e-9 * kSize * kSize * kSize / best;
}

int run(int argc, char** argv) {
  int threads = 0;
  CLI::App app("Measures the speed of matrix products, by libtorch's own choice of library and by this library's");
  app.add_option("--threads", threads, "0 = all");
  CLI11_PARSE(app, argc, argv);
  if (threads > 0) at::set_num_threads(threads);
  const double libtorch = speed([](auto& out, const auto& a, const auto& b) { at::mm_out(out, a, b); });
  const double ours = speed([](auto& out, const auto& a, const auto& b) { matrix_product_out(out, a, b, 0.0); });
  print_json({{"libtorch", libtorch}, {"ours", ours}});
  return 0;
}

}  // namespace
}  // namespace tvae

int main(int argc, char** argv) {
  return tvae::run(argc, argv);
}
