// How fast the machine is at this moment: one JSON line (benchmarks/README.md).
#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "benchmarks/timing.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/torch.h"

namespace tvae {
namespace {

/// Billions of floating-point operations a second of a product of two size x size matrices, the best of many.
template <typename Product>
double speed(int64_t size, const at::TensorOptions& where, const Product& product) {
  constexpr int64_t kRepeats = 30;
  const torch::Tensor a = at::randn({size, size}, where), b = at::randn({size, size}, where);
  torch::Tensor out = at::empty({size, size}, where);
  double best = INFINITY;
  for (int64_t i = 0; i < kRepeats; ++i) {
    const auto begin = Clock::now();
    product(out, a, b);
    if (where.device().is_cuda()) torch::cuda::synchronize();
    best = std::min(best, seconds_since(begin));
  }
  const auto side = static_cast<double>(size);
  return 2e-9 * side * side * side / best;
}

int run(int argc, char** argv) {
  int threads = 0;
  int64_t size = 1024;
  bool bf16 = false;
  std::string device = "cpu";
  CLI::App app("Measures the speed of matrix products, by libtorch's own choice of library and by this library's");
  app.add_option("--threads", threads, "0 = all");
  app.add_option("--size", size, "rows and columns of the matrices");
  app.add_flag("--bf16", bf16, "matrices of bf16");
  app.add_option("--device", device, "cpu or cuda");
  CLI11_PARSE(app, argc, argv);
  if (threads > 0) at::set_num_threads(threads);
  const auto where = at::TensorOptions(bf16 ? at::kBFloat16 : at::kFloat).device(torch::Device(device));
  const double libtorch = speed(size, where, [](auto& out, const auto& a, const auto& b) { at::mm_out(out, a, b); });
  const double ours =
      speed(size, where, [](auto& out, const auto& a, const auto& b) { matrix_product_out(out, a, b, 0.0); });
  print_json({{"libtorch", libtorch}, {"ours", ours}});
  return 0;
}

}  // namespace
}  // namespace tvae

int main(int argc, char** argv) {
  try {
    return tvae::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_probe: " << error.what() << "\n";
    return 1;
  }
}
