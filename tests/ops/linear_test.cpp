// Matrix products and linear layers: fp32, which may have a library of its own, against double precision.
#include "tvae/ops/linear.h"

#include "tests/support/gradient_check.h"

namespace tvae {
namespace {

using test::random_double;
using torch::Tensor;

// fp32 keeps 24 bits; sums over a few dozen products of ordinary size lose some of them.
constexpr double kTolerance = 1e-5;

double largest_difference(const Tensor& a, const Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

TEST(MatrixProduct, PlainAndTransposedAndAccumulated) {
  const auto stored = [](int64_t rows, int64_t columns, bool transposed, uint64_t seed) {
    return transposed ? random_double({columns, rows}, seed).t() : random_double({rows, columns}, seed);
  };
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true})
      for (const bool accumulate : {false, true}) {
        const Tensor a = stored(37, 29, a_transposed, 1), b = stored(29, 53, b_transposed, 2);
        const Tensor before = random_double({37, 53}, 3);
        const Tensor out = before.to(at::kFloat);
        matrix_product_out(out, a.to(at::kFloat), b.to(at::kFloat), accumulate ? 1.0 : 0.0);
        const Tensor expected = accumulate ? before + at::mm(a, b) : at::mm(a, b);
        EXPECT_LT(largest_difference(out, expected), kTolerance) << a_transposed << b_transposed << accumulate;
      }
}

TEST(MatrixProduct, RowsOfALargerMatrix) {
  const Tensor a = random_double({40, 20}, 1), b = random_double({20, 30}, 2);
  const Tensor out = at::zeros({40, 30});
  matrix_product_out(out.narrow(0, 8, 16), a.to(at::kFloat).narrow(0, 8, 16), b.to(at::kFloat), /*beta=*/0.0);
  EXPECT_LT(largest_difference(out.narrow(0, 8, 16), at::mm(a, b).narrow(0, 8, 16)), kTolerance);
  EXPECT_EQ(out.narrow(0, 0, 8).abs().sum().item<float>() + out.narrow(0, 24, 16).abs().sum().item<float>(), 0.0f);
}

TEST(MatrixProduct, OfNothingIsZero) {
  EXPECT_TRUE(matrix_product(at::empty({3, 0}), at::empty({0, 4})).equal(at::zeros({3, 4})));
}

TEST(Linear, ValueAndGradientsOfStockLinear) {
  for (const bool with_bias : {false, true})
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{33, 24}, {5, 7, 24}}) {
      std::vector<Tensor> inputs = {random_double(shape, 1), random_double({18, 24}, 2)};
      if (with_bias) inputs.push_back(random_double({18}, 3));
      std::vector<Tensor> narrow;
      for (Tensor& input : inputs) {
        narrow.push_back(input.to(at::kFloat).requires_grad_(true));
        input.requires_grad_(true);
      }
      const Tensor y = tvae::linear(narrow[0], narrow[1], with_bias ? narrow[2] : Tensor());
      const Tensor expected = at::linear(inputs[0], inputs[1], with_bias ? inputs[2] : Tensor());
      EXPECT_LT(largest_difference(y, expected), kTolerance);
      const Tensor upstream = random_double(expected.sizes(), 4);
      (y * upstream.to(at::kFloat)).sum().backward();
      (expected * upstream).sum().backward();
      for (size_t i = 0; i < inputs.size(); ++i)
        EXPECT_LT(largest_difference(narrow[i].grad(), inputs[i].grad()), 2 * kTolerance) << "input " << i;
    }
}

TEST(Linear, Bf16ProductsRoundTheirOperandsAndNothingElse) {
  const Bf16Products rounded(true);
  const auto bf16 = [](const Tensor& x) { return x.detach().to(at::kBFloat16).to(at::kDouble); };
  Tensor x = random_double({33, 24}, 1).to(at::kFloat).requires_grad_(true);
  Tensor weight = random_double({18, 24}, 2).to(at::kFloat).requires_grad_(true);
  const Tensor bias = random_double({18}, 3).to(at::kFloat).requires_grad_(true);
  const Tensor dy = random_double({33, 18}, 4).to(at::kFloat), y = tvae::linear(x, weight, bias);
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  y.backward(dy);
  /// Of a sum that is rounded to 8 bits once.
  const auto expect_rounded = [](const Tensor& found, const Tensor& expected) {
    EXPECT_LT(largest_difference(found, expected), expected.abs().max().item<double>() / 256);
  };
  expect_rounded(y - bias, at::mm(bf16(x), bf16(weight).t()));
  EXPECT_GT(largest_difference(y, at::mm(x, weight.t()) + bias), kTolerance);
  expect_rounded(x.grad(), at::mm(bf16(dy), bf16(weight)));
  expect_rounded(weight.grad(), at::mm(bf16(dy).t(), bf16(x)));
  EXPECT_LT(largest_difference(bias.grad(), dy.sum(0)), kTolerance);
  Tensor sum = at::ones({33, 18});
  matrix_product_out(sum, x.detach(), weight.detach().t(), /*beta=*/0.5, /*alpha=*/2.0);
  expect_rounded(sum - 0.5, 2 * at::mm(bf16(x), bf16(weight).t()));
}

TEST(Linear, OnlyTheGradientsAskedFor) {
  const Tensor x = at::ones({4, 3}), weight = at::ones({2, 3}).requires_grad_(true);
  tvae::linear(x, weight).sum().backward();
  EXPECT_TRUE(at::equal(weight.grad(), at::full({2, 3}, 4.0f)));
  EXPECT_FALSE(x.grad().defined());
}

}  // namespace
}  // namespace tvae
