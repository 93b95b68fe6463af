// Finite differences in double precision against autograd, for any function of tensors.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tvae/ops/torch.h"

namespace tvae::test {

/// Checks d(sum of weights · f(inputs)) / d(inputs) for every element (or, above 200 elements, every few). The weights
/// are fixed random numbers, so that wrong gradients do not cancel. f must be deterministic.
inline void check_gradients(const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& f,
                            std::vector<torch::Tensor> inputs, double tolerance = 1e-6) {
  for (torch::Tensor& input : inputs) {
    ASSERT_EQ(input.scalar_type(), at::kDouble);
    input = input.detach().clone().requires_grad_(true);
  }
  torch::manual_seed(1234);
  torch::Tensor weights;
  const auto scalar = [&](const std::vector<torch::Tensor>& x) {
    const torch::Tensor y = f(x);
    if (!weights.defined()) weights = at::randn_like(y);
    return (y * weights).sum();
  };
  scalar(inputs).backward();
  constexpr double kStep = 1e-6;
  for (size_t n = 0; n < inputs.size(); ++n) {
    const torch::Tensor gradient = inputs[n].grad();
    ASSERT_TRUE(gradient.defined()) << "input " << n << " got no gradient";
    const torch::NoGradGuard no_grad;
    double* values = inputs[n].data_ptr<double>();
    const int64_t elements = inputs[n].numel(), stride = std::max<int64_t>(1, elements / 200);
    const torch::Tensor flat = gradient.contiguous();
    for (int64_t i = 0; i < elements; i += stride) {
      const double original = values[i];
      values[i] = original + kStep;
      const double up = scalar(inputs).item<double>();
      values[i] = original - kStep;
      const double down = scalar(inputs).item<double>();
      values[i] = original;
      const double numeric = (up - down) / (2 * kStep), analytic = flat.const_data_ptr<double>()[i];
      EXPECT_NEAR(analytic, numeric, tolerance * (1.0 + std::abs(numeric))) << "input " << n << ", element " << i;
    }
  }
}

inline torch::Tensor random_double(at::IntArrayRef sizes, uint64_t seed) {
  torch::manual_seed(seed);
  return at::randn(sizes, at::kDouble);
}

}  // namespace tvae::test
