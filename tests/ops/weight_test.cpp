// Int8 weights against the dense ones that they stand for.
#include "tvae/ops/weight.h"

#include <limits>

#include "tests/support/gradient_check.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/twice_differentiable.h"

namespace tvae {
namespace {

using test::random_double;
using torch::Tensor;

/// Random int8 values, -128 among them, with scales of several orders of magnitude.
Weight int8_weight(int64_t out, int64_t in, torch::ScalarType type = at::kFloat) {
  const Tensor values = (random_double({out, in}, 1) * 50.0).round().clamp(-127, 127).to(at::kChar);
  values.view(-1)[0] = -128;
  return {values, at::logspace(-4, 0, out).unsqueeze(1).to(type)};
}

double relative_difference(const Tensor& found, const Tensor& expected) {
  return ((found.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

/// x as products with int8 weights take it: a row of integers up to 127 with a scale, where these are multiplied.
Tensor as_multiplied(const Tensor& x) {
  if (!multiplies_integers() || x.size(1) == 1) return x.to(at::kDouble);
  const Tensor largest = x.abs().amax(1, /*keepdim=*/true);
  return (x * (127.0f / largest)).round().to(at::kDouble) * (largest / 127.0f).to(at::kDouble);
}

TEST(Int8Weight, ProductsAreThoseOfTheDenseWeight) {
  // fp32 keeps 24 bits; sums over some hundred products lose a few of them.
  constexpr double kTolerance = 1e-6;
  // Few rows and many, shapes that fill no register, and one of several blocks.
  for (const auto& [out, in] : {std::pair<int64_t, int64_t>{53, 29}, {4, 1}, {1, 64}, {2100, 600}}) {
    const Weight weight = int8_weight(out, in);
    const Tensor dense = weight.values.to(at::kDouble) * weight.scale.to(at::kDouble);
    const Tensor bias = random_double({out}, 2).to(at::kFloat);
    for (const int64_t rows : {1, 3, 16, 17, 100}) {
      const Tensor x = random_double({rows, in}, 3).to(at::kFloat), expected = at::mm(as_multiplied(x), dense.t());
      EXPECT_LT(relative_difference(linear(x, weight), expected), kTolerance) << out << "x" << in << ", " << rows;
      EXPECT_LT(relative_difference(linear(x, weight, bias), expected + bias), kTolerance);
      const Tensor strided = random_double({in, rows}, 4).to(at::kFloat).t();
      EXPECT_LT(relative_difference(linear(strided, weight), at::mm(as_multiplied(strided), dense.t())), kTolerance);
    }
  }
}

TEST(Int8Weight, ARowOfZerosAndOneThatIsNotFinite) {
  const Weight weight = int8_weight(7, 24);
  Tensor x = random_double({4, 24}, 3).to(at::kFloat);
  x[1].zero_();
  x[2][5] = std::numeric_limits<float>::quiet_NaN();
  x[3][0] = -std::numeric_limits<float>::infinity();
  const Tensor y = linear(x, weight);
  EXPECT_TRUE(y[0].isfinite().all().item<bool>());
  EXPECT_TRUE(y[1].equal(at::zeros({7})));
  for (const int64_t row : {2, 3}) EXPECT_FALSE(y[row].isfinite().any().item<bool>()) << row;
}

TEST(Int8Weight, ARowDoesNotDependOnThoseBesideIt) {
  const Weight weight = int8_weight(40, 24);
  const Tensor x = random_double({50, 24}, 3).to(at::kFloat) * at::logspace(-3, 3, 50).to(at::kFloat).unsqueeze(1);
  const Tensor together = linear(x, weight);
  for (const int64_t row : {0, 20, 49})
    EXPECT_LT(relative_difference(linear(x.narrow(0, row, 1), weight)[0], together[row].to(at::kDouble)), 1e-6) << row;
}

TEST(Int8Weight, ShapesAreThoseOfLinear) {
  const Weight weight = int8_weight(7, 24);
  EXPECT_EQ(linear(at::zeros({2, 3, 24}), weight).sizes(), (at::IntArrayRef{2, 3, 7}));
  EXPECT_EQ(linear(at::zeros({0, 24}), weight).sizes(), (at::IntArrayRef{0, 7}));
}

TEST(Int8Weight, RowsAreThoseOfTheDenseWeight) {
  const Weight weight = int8_weight(9, 5);
  const Tensor ids = torch::tensor({{8, 0}, {0, 3}}, at::kLong);
  EXPECT_TRUE(weight.rows(ids).equal(at::embedding(weight.dense(), ids)));
  EXPECT_EQ(weight.dtype(), at::kFloat);
}

TEST(Int8Weight, GradientsReachInputAndBias) {
  const Weight weight = int8_weight(6, 5, at::kDouble);
  const auto f = [&weight](const std::vector<Tensor>& in) { return linear(in[0].tanh(), weight, in[1]); };
  test::check_gradients(f, {random_double({4, 5}, 5), random_double({6}, 6)});
  // As they do through the dense weight, whose own gradient nobody asked for.
  const Tensor x = random_double({40, 5}, 7).to(at::kFloat).requires_grad_(true), other = x.detach().clone();
  other.requires_grad_(true);
  const Weight narrow = int8_weight(6, 5);
  linear(x, narrow).square().sum().backward();
  tvae::linear(other, narrow.dense()).square().sum().backward();
  EXPECT_TRUE(x.grad().equal(other.grad()));
  const Tensor bias = at::zeros({6}).requires_grad_(true);
  linear(x.detach(), narrow, bias).sum().backward();
  EXPECT_TRUE(bias.grad().equal(at::full({6}, 40.0f))) << "of the bias alone";
}

TEST(Int8Weight, GradientsCanBeDifferentiatedAgain) {
  const TwiceDifferentiable stock_operations;
  const Weight weight = int8_weight(6, 5, at::kDouble);
  const auto slope = [&weight](const std::vector<Tensor>& in) {
    return torch::autograd::grad({linear(in[0], weight).pow(3).sum()}, {in[0]}, {}, true, /*create_graph=*/true)[0];
  };
  // Finite differences of the slope need its graph too.
  const Tensor x = random_double({3, 5}, 8).requires_grad_(true), direction = random_double({3, 5}, 9);
  const Tensor second = torch::autograd::grad({(slope({x}) * direction).sum()}, {x})[0];
  constexpr double kStep = 1e-6;
  const auto along = [&](double step) {
    return slope({(x.detach() + step * direction).requires_grad_(true)}).detach();
  };
  const Tensor numeric = (along(kStep) - along(-kStep)) / (2 * kStep);
  EXPECT_LT(relative_difference(second, numeric), 1e-6);
}

}  // namespace
}  // namespace tvae
