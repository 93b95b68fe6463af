// The ways through an operation that this build and this machine have.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "tvae/ops/backend.h"
#include "tvae/ops/torch.h"

namespace tvae::test {

struct TestBackend {
  std::string name;
  torch::Device device;
  torch::ScalarType type;
  double tolerance;    // of a result, beside its largest element: a few roundings
  bool stock = false;  // takes compositions of stock operations although there are kernels

  /// Whether compositions are what it takes.
  bool is_composed() const {
    const StockOperations way(stock);
    return backend_of(at::empty({0}, at::TensorOptions(type).device(device))) == Backend::kStock;
  }
};

/// "cpu" or "cuda", the device that TVAE_TEST_DEVICE asks for; "" where it asks for none.
inline std::string asked_device() {
  const char* asked = std::getenv("TVAE_TEST_DEVICE");
  return asked != nullptr ? asked : "";
}

/// Where a whole model is tested.
inline torch::Device test_device() {
  return asked_device().empty() ? torch::Device(torch::kCPU) : torch::Device(asked_device());
}

/// Our kernels in fp64 and fp32, and stock operations in these and in bf16; the stock operations on a GPU too, where
/// there is one or TVAE_TEST_DEVICE=cuda says that there must be.
inline std::vector<TestBackend> backends() {
  constexpr double kFp64 = 1e-11, kFp32 = 2e-5, kBf16 = 0.03;  // 2⁻⁸ a rounding
  const std::string asked = asked_device();
  std::vector<TestBackend> all;
  if (asked != "cuda")
    all = {{"cpu fp64", torch::kCPU, at::kDouble, kFp64},
           {"cpu fp32", torch::kCPU, at::kFloat, kFp32},
           {"cpu stock fp64", torch::kCPU, at::kDouble, kFp64, /*stock=*/true},
           {"cpu stock fp32", torch::kCPU, at::kFloat, kFp32, /*stock=*/true},
           {"cpu stock bf16", torch::kCPU, at::kBFloat16, kBf16}};
  if (asked == "cuda" || (asked.empty() && at::globalContext().hasCUDA()))
    for (const auto& [name, type, tolerance] : {std::tuple{"cuda fp64", at::kDouble, kFp64},
                                                {"cuda fp32", at::kFloat, kFp32},
                                                {"cuda bf16", at::kBFloat16, kBf16}})
      all.push_back({name, torch::kCUDA, type, tolerance});
  return all;
}

}  // namespace tvae::test
