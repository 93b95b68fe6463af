// The ways through an operation that this build and this machine have.
#pragma once

#include <string>
#include <vector>

#include "tvae/ops/torch.h"

namespace tvae::test {

struct TestBackend {
  std::string name;
  torch::Device device;
  torch::ScalarType type;
  double tolerance;  // of a result, beside its largest element: a few roundings
};

/// Our kernels in fp64 and fp32, stock operations in bf16; the same types on a GPU where there is one.
inline std::vector<TestBackend> backends() {
  std::vector<TestBackend> all;
  std::vector<std::pair<std::string, torch::Device>> devices = {{"cpu", torch::kCPU}};
  if (at::globalContext().hasCUDA()) devices.emplace_back("cuda", torch::kCUDA);
  for (const auto& [name, device] : devices) {
    all.push_back({name + " fp64", device, at::kDouble, 1e-11});
    all.push_back({name + " fp32", device, at::kFloat, 2e-5});
    all.push_back({name + " bf16", device, at::kBFloat16, 0.03});  // 2⁻⁸ a rounding
  }
  return all;
}

}  // namespace tvae::test
