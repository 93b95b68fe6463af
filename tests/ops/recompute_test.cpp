#include "tvae/ops/recompute.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

using torch::Tensor;

TEST(Checkpoint, GradientsAreThoseOfTheBodyAndNothingIsKept) {
  torch::manual_seed(1);
  const Tensor weight = at::randn({4, 4}).requires_grad_(true), unused = at::randn({2}).requires_grad_(true);
  int runs = 0;
  const auto body = [&](const std::vector<Tensor>& inputs) {
    ++runs;
    return at::tanh(at::matmul(inputs[0], weight)) * inputs[1];
  };
  const Tensor a = at::randn({3, 4}).requires_grad_(true), constant = at::randn({3, 4});
  const Tensor plain = body({a, constant});
  const auto expected = torch::autograd::grad({plain.square().sum()}, {a, weight});
  runs = 0;
  const Tensor output = recompute(body, {a, constant}, {weight, unused});
  EXPECT_TRUE(torch::equal(output, plain));
  EXPECT_EQ(runs, 1);
  output.square().sum().backward();
  EXPECT_EQ(runs, 2) << "computed again in the backward pass";
  EXPECT_TRUE(torch::equal(a.grad(), expected[0]));
  EXPECT_TRUE(torch::equal(weight.grad(), expected[1]));
  EXPECT_FALSE(unused.grad().defined());
  EXPECT_FALSE(constant.grad().defined());
}

TEST(Checkpoint, AnInputThatIsNoLeafPassesItsGradientOn) {
  const Tensor leaf = at::randn({3}).requires_grad_(true);
  const auto body = [](const std::vector<Tensor>& inputs) { return inputs[0].pow(3); };
  recompute(body, {leaf * 2}, {}).sum().backward();
  EXPECT_TRUE(at::allclose(leaf.grad(), 24 * leaf.detach().square()));
}

TEST(Checkpoint, WithoutGradientsItIsTheBody) {
  const torch::NoGradGuard no_grad;
  int runs = 0;
  const auto body = [&](const std::vector<Tensor>& inputs) {
    ++runs;
    return inputs[0] + 1;
  };
  EXPECT_FALSE(recompute(body, {at::ones({2}).requires_grad_(true)}, {}).requires_grad());
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace tvae
