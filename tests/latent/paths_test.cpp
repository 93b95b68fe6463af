#include "tvae/latent/paths.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/gradient_check.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

Tensor codes(std::vector<float> values, int64_t tokens) {
  return torch::tensor(values).view({tokens, -1});
}

TEST(Paths, EveryPathStartsAndEndsAtItsCodes) {
  torch::manual_seed(1);
  const Tensor a = torch::randn({3, 4}), b = torch::randn({3, 4});
  for (const auto& [name, help, path, order] : paths().entries()) {
    const Tensor points = path(a, b, torch::tensor({0.0, 0.5, 1.0}));
    ASSERT_EQ(points.sizes(), (std::vector<int64_t>{3, 3, 4})) << name;
    EXPECT_TRUE(points[0].equal(a)) << name;
    EXPECT_TRUE(points[2].equal(b)) << name;
  }
}

TEST(Paths, EveryPathIsFiniteBetweenParallelOppositeAndZeroCodes) {
  const Tensor a = codes({1, 2, 3, 4}, 2);
  for (const auto& [name, help, path, order] : paths().entries())
    for (const Tensor& b : {a, -a, 2 * a, torch::zeros_like(a)}) {
      const Tensor points = path(a, b, torch::linspace(0, 1, 5));
      EXPECT_TRUE(points.isfinite().all().item<bool>()) << name << b;
      EXPECT_TRUE(points[2].allclose((a + b) / 2)) << name << b;  // the straight line
    }
}

TEST(Paths, SlerpHasTheDerivativesOfTheStraightLineWhereItIsOne) {
  // Parallel, equal, opposite and zero codes, beside two with an arc: in one call, as in a batch.
  const Tensor a = test::random_double({6, 5}, 1), other = test::random_double({6, 5}, 2);
  const Tensor b = at::stack({a[0], 2.0 * a[1], -a[2], at::zeros({5}, at::kDouble), other[4], other[5]});
  const Tensor t = test::random_double({6, 1}, 3).sigmoid();
  std::vector<Tensor> x = {a.clone().requires_grad_(true), b.clone().requires_grad_(true),
                           t.clone().requires_grad_(true)};
  const Tensor weights = test::random_double({6, 5}, 4);
  const std::vector<Tensor> first =
      torch::autograd::grad({(slerp(x[0], x[1], x[2]) * weights).sum()}, x, {}, {}, /*create_graph=*/true);
  Tensor slopes = at::zeros({}, at::kDouble);
  for (const Tensor& gradient : first) {
    EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << gradient;
    slopes = slopes + gradient.square().sum();
  }
  for (const Tensor& gradient : torch::autograd::grad({slopes}, x))
    EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << gradient;
  const auto row = [](const Tensor& of) { return of.narrow(0, 0, 4); };
  EXPECT_TRUE(row(first[0]).allclose(row((1.0 - t) * weights)));
  EXPECT_TRUE(row(first[1]).allclose(row(t * weights)));
  EXPECT_TRUE(row(first[2]).allclose(row(((b - a) * weights).sum(1, true))));
}

TEST(Paths, SlerpsGradientAgreesWithFiniteDifferences) {
  const auto function = [](const std::vector<Tensor>& x) { return slerp(x[0], x[1], x[2]); };
  const Tensor t = test::random_double({4, 1}, 3).sigmoid();
  test::check_gradients(function, {test::random_double({4, 6}, 1), test::random_double({4, 6}, 2), t});
  // Finite differences step off the line, onto an arc so flat that it has the line's slope.
  const Tensor a = test::random_double({4, 6}, 1);
  test::check_gradients(function, {a, a.clone(), t}, 1e-3);
}

TEST(Paths, LerpIsAStraightLine) {
  const Tensor middle = lerp_path(codes({0, 0}, 1), codes({2, 4}, 1), torch::tensor({0.25}))[0];
  EXPECT_TRUE(middle.allclose(codes({0.5, 1}, 1)));
}

TEST(Paths, SlerpFollowsTheCircle) {
  const Tensor points = slerp_path(codes({1, 0}, 1), codes({0, 1}, 1), torch::tensor({1.0 / 3, 0.5}));
  EXPECT_NEAR(points[0][0][0].item<double>(), std::cos(std::numbers::pi / 6), 1e-6);
  EXPECT_NEAR(points[0][0][1].item<double>(), std::sin(std::numbers::pi / 6), 1e-6);
  EXPECT_NEAR(points[1].norm().item<double>(), 1.0, 1e-6);
}

TEST(Paths, SlerpOfTheWholeCodeAndOfItsTokensDiffer) {
  const Tensor a = codes({1, 0, 1, 0}, 2), b = codes({0, 1, 1, 0}, 2);  // the second latent token stays
  const Tensor middle = torch::tensor({0.5});
  const Tensor tokens = token_slerp_path(a, b, middle)[0];
  EXPECT_TRUE(tokens[1].allclose(a[1]));
  EXPECT_NEAR(tokens[0].norm().item<double>(), 1.0, 1e-6);
  const Tensor whole = slerp_path(a, b, middle)[0];
  EXPECT_NEAR(whole.norm().item<double>(), std::sqrt(2.0), 1e-6);
  EXPECT_FALSE(whole.allclose(tokens));
}

TEST(Paths, UnknownNamesAreRefusedWithASuggestion) {
  try {
    paths().find("slurp");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean slerp?"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace tvae
