// Each operation on every backend that was built: values and gradients of what is given in that type, computed in fp64.
#include "tests/support/backends.h"

#include "tests/support/fixture.h"
#include "tests/support/gradient_check.h"
#include "tvae/ops/attention.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/linear_cross_entropy.h"
#include "tvae/ops/mmd.h"
#include "tvae/ops/rms_norm.h"

namespace tvae {
namespace {

using test::random_double;
using test::TestBackend;
using torch::Tensor;

class EveryBackend : public testing::TestWithParam<TestBackend> {
 protected:
  using Function = std::function<Tensor(const std::vector<Tensor>&)>;

  Tensor on(const Tensor& x) const { return x.to(GetParam().device, GetParam().type); }

  /// [the value, each gradient] of Σ direction · f(inputs), for inputs as they are in this type. The direction has the
  /// strides of its transpose: a gradient need not be laid out as the value is.
  std::vector<Tensor> results(const Function& f, const std::vector<Tensor>& inputs, bool in_fp64) const {
    std::vector<Tensor> leaves;
    for (const Tensor& input : inputs) {
      const Tensor rounded = on(input);
      leaves.push_back((in_fp64 ? rounded.to(at::kCPU, at::kDouble) : rounded).detach().clone().requires_grad_(true));
    }
    const Tensor value = f(leaves);
    Tensor direction = on(random_double(value.sizes(), 77)).to(value.device(), value.scalar_type());
    if (direction.dim() == 2) direction = direction.t().contiguous().t();
    value.backward(direction);
    std::vector<Tensor> all = {value.detach()};
    for (const Tensor& leaf : leaves) all.push_back(leaf.grad());
    return all;
  }

  void expect_same(const Function& ours, const Function& reference, const std::vector<Tensor>& inputs) const {
    const std::vector<Tensor> found = results(ours, inputs, false), expected = results(reference, inputs, true);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_LT(test::relative_error(found[i].cpu(), expected[i]), GetParam().tolerance)
          << (i == 0 ? "value" : "gradient of input ") << i;
  }
};

TEST_P(EveryBackend, DropoutsBackwardPassDropsWhatTheForwardPassDropped) {
  constexpr double kRate = 0.4;
  const std::vector<Tensor> inputs = {random_double({48, 64}, 1), random_double({48, 64}, 2)};
  const std::vector<Tensor> found =
      results([](const std::vector<Tensor>& x) { return dropout_add(x[0], x[1], kRate, 8); }, inputs, false);
  const Tensor x = on(inputs[0]), residual = on(inputs[1]);
  const Tensor kept = tvae::dropout(on(at::ones({48, 64}, at::kDouble)), kRate, 8) != 0;
  const Tensor direction = on(random_double({48, 64}, 77));
  // The share that is kept is within five standard deviations.
  EXPECT_NEAR(kept.to(at::kDouble).mean().item<double>(), 1.0 - kRate, 5 * std::sqrt(0.24 / (48 * 64)));
  const Tensor expected_value = residual.to(at::kDouble) + x.to(at::kDouble) * kept / (1.0 - kRate);
  const Tensor expected_gradient = direction.to(at::kDouble) * kept / (1.0 - kRate);
  EXPECT_LT(test::relative_error(found[0], expected_value), GetParam().tolerance);
  EXPECT_LT(test::relative_error(found[1], expected_gradient), GetParam().tolerance)
      << (((found[1] != 0) != kept).sum().item<int64_t>()) << " of " << kept.numel() << " elements by another mask";
  EXPECT_TRUE(at::equal(found[2], direction)) << "the residual passes all";
}

TEST_P(EveryBackend, DropoutsMaskDoesNotDependOnStrides) {
  const Tensor x = on(at::ones({40, 30}, at::kDouble));
  const Tensor plain = tvae::dropout(x, 0.5, 3), transposed = tvae::dropout(x.t().contiguous().t(), 0.5, 3);
  EXPECT_TRUE(at::equal(plain, transposed));
}

TEST_P(EveryBackend, ReluDropout) {
  const Tensor x = random_double({20, 33}, 1);
  const Tensor mask = tvae::dropout(on(at::ones({20, 33}, at::kDouble)), 0.3, 9).to(at::kCPU, at::kDouble);
  expect_same([](const std::vector<Tensor>& in) { return relu_dropout(in[0], 0.3, 9); },
              [&](const std::vector<Tensor>& in) { return at::relu(in[0]) * mask; }, {x});
}

TEST_P(EveryBackend, GatedGeluDropout) {
  const Tensor mask = tvae::dropout(on(at::ones({20, 33}, at::kDouble)), 0.3, 9).to(at::kCPU, at::kDouble);
  expect_same([](const std::vector<Tensor>& in) { return gated_gelu_dropout(in[0], in[1], 0.3, 9); },
              [&](const std::vector<Tensor>& in) { return at::gelu(in[0], "tanh") * in[1] * mask; },
              {random_double({20, 33}, 1), random_double({20, 33}, 2)});
}

TEST_P(EveryBackend, RmsNorm) {
  expect_same(
      [](const std::vector<Tensor>& in) { return rms_norm(in[0], in[1], 1e-6); },
      [](const std::vector<Tensor>& in) { return in[0] * at::rsqrt(in[0].square().mean(-1, true) + 1e-6) * in[1]; },
      {random_double({19, 24}, 1), random_double({24}, 2)});
}

TEST_P(EveryBackend, Linear) {
  expect_same([](const std::vector<Tensor>& in) { return tvae::linear(in[0], in[1], in[2]); },
              [](const std::vector<Tensor>& in) { return at::mm(in[0], in[1].t()) + in[2]; },
              {random_double({17, 24}, 1), random_double({13, 24}, 2), random_double({13}, 3)});
}

TEST_P(EveryBackend, LinearCrossEntropy) {
  const Tensor targets = at::randint(11, {30}, at::kLong);
  expect_same(
      [&](const std::vector<Tensor>& in) {
        return linear_cross_entropy(in[0], in[1], targets.to(in[0].device()), {}, 0.5).loss;
      },
      [&](const std::vector<Tensor>& in) {
        return at::cross_entropy_loss(0.5 * at::mm(in[0], in[1].t()), targets, {}, at::Reduction::Sum);
      },
      {random_double({30, 8}, 1), random_double({11, 8}, 2)});
}

TEST_P(EveryBackend, LinearCrossEntropyOfTransposedStatesAndProjection) {
  const Tensor targets = at::randint(11, {30}, at::kLong);
  const auto loss = [&](const Tensor& states, const Tensor& projection) {
    return linear_cross_entropy(states, projection, targets.to(states.device()), {}, 0.5).loss;
  };
  expect_same([&](const std::vector<Tensor>& in) { return loss(in[0].t(), in[1].t()); },
              [&](const std::vector<Tensor>& in) { return loss(in[0].t().contiguous(), in[1].t().contiguous()); },
              {random_double({8, 30}, 1), random_double({8, 11}, 2)});
}

TEST_P(EveryBackend, Attention) {
  const Spans queries = {{0, 3}, {3, 5}, {8, 5}}, keys = {{0, 4}, {4, 6}, {10, 6}};
  for (const bool causal : {false, true}) {
    AttentionOptions options;
    options.num_heads = 2;
    options.causal = causal;
    const Spans& read = causal ? queries : keys;
    const int64_t rows = causal ? 13 : 16;
    expect_same(
        [&](const std::vector<Tensor>& in) { return attention(in[0], in[1], in[2], in[3], queries, read, options); },
        [&](const std::vector<Tensor>& in) {
          return attention_composed(in[0], in[1], in[2], in[3], queries, read, options);
        },
        {random_double({13, 6}, 1), random_double({rows, 6}, 2), random_double({rows, 6}, 3),
         random_double({2, 11}, 4)});
  }
}

TEST_P(EveryBackend, AttentionsBackwardPassDropsWhatTheForwardPassDropped) {
  // Values of one number a key tell which probabilities were kept: the output is linear in them, and their gradient is
  // the transposed map of the same mask.
  const Spans spans = {{0, 4}, {4, 4}};
  AttentionOptions options;
  options.dropout = 0.5;
  options.dropout_key = 5;
  const Tensor zeros = on(at::zeros({8, 1}, at::kDouble));
  Tensor map = at::zeros({8, 8}, at::kDouble), transposed = at::zeros({8, 8}, at::kDouble);
  for (int64_t j = 0; j < 8; ++j) {
    Tensor value = on(at::zeros({8, 1}, at::kDouble));
    value[j] = 1.0;
    value.requires_grad_(true);
    const Tensor output = attention(zeros, zeros, value, {}, spans, spans, options);
    map.select(1, j).copy_(output.detach().flatten());
    Tensor direction = on(at::zeros({8, 1}, at::kDouble));
    direction[j] = 1.0;
    output.backward(direction);
    transposed.select(0, j).copy_(value.grad().flatten());
  }
  EXPECT_TRUE(at::equal(map, transposed));
  EXPECT_GT((map != 0).sum().item<int64_t>(), 0);
  EXPECT_LT((map != 0).sum().item<int64_t>(), 32);
}

TEST_P(EveryBackend, Mmd) {
  const std::vector<Tensor> inputs = {random_double({7, 6}, 4)};
  const Tensor past = on(random_double({5, 6}, 5)), y = on(random_double({12, 6}, 6));
  const auto in_fp64 = [](const Tensor& x) { return x.to(at::kCPU, at::kDouble); };
  const auto found = results([&](const auto& in) { return multiquadric_mmd(in[0], y, past); }, inputs, false);
  const auto expected =
      results([&](const auto& in) { return multiquadric_mmd(in[0], in_fp64(y), in_fp64(past)); }, inputs, true);
  // Distances are differences of squares, so bf16 keeps fewer digits of a single gradient: all of them together.
  const double tolerance = std::max(GetParam().tolerance, GetParam().type == at::kBFloat16 ? 0.05 : 0.0);
  EXPECT_LT((in_fp64(found[1]) - expected[1]).norm().item<double>(), tolerance * expected[1].norm().item<double>());
}

TEST(Backend, IsOursForFullPrecisionOnTheCpuAndFollowsThePlannedDevice) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    EXPECT_EQ(backend_of(at::zeros({1}, type)), Backend::kCpu);
  EXPECT_EQ(backend_of(at::zeros({1}, at::kBFloat16)), Backend::kStock);
  const Tensor meta = at::zeros({1}, at::TensorOptions(torch::kMeta));
  EXPECT_EQ(backend_of(meta), Backend::kCpu);
  {
    const PlannedDevice planned(torch::kCUDA);
    EXPECT_EQ(backend_of(meta), Backend::kStock);
    EXPECT_EQ(backend_of(at::zeros({1})), Backend::kCpu);
  }
  EXPECT_EQ(backend_of(meta), Backend::kCpu);
}

INSTANTIATE_TEST_SUITE_P(All, EveryBackend, testing::ValuesIn(test::backends()), [](const auto& tested) {
  std::string name = tested.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
}  // namespace tvae
