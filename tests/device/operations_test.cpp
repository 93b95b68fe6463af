// Each operation on every backend that was built (TVAE_TEST_DEVICE=cuda: on the GPU): values and gradients beside those
// of what is given in that type, computed in fp64 on the CPU.
#include "tests/support/backends.h"
#include "tests/support/fixture.h"
#include "tests/support/gradient_check.h"
#include "tvae/nn/t5.h"
#include "tvae/ops/attention.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/likeliest.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/linear_cross_entropy.h"
#include "tvae/ops/mmd.h"
#include "tvae/ops/recompute.h"
#include "tvae/ops/rms_norm.h"
#include "tvae/ops/table_rows.h"
#include "tvae/ops/twice_differentiable.h"
#include "tvae/ops/weight.h"

namespace tvae {
namespace {

using test::random_double;
using test::TestBackend;
using torch::Tensor;

class EveryBackend : public testing::TestWithParam<TestBackend> {
 protected:
  using Function = std::function<Tensor(const std::vector<Tensor>&)>;

  Tensor on(const Tensor& x) const { return x.to(GetParam().device, GetParam().type); }
  static Tensor in_fp64(const Tensor& x) { return x.detach().to(at::kCPU, at::kDouble); }

  /// [the value, each gradient] of Σ direction · f(inputs), for inputs as they are in this type. The direction has the
  /// strides of its transpose: a gradient need not be laid out as the value is.
  std::vector<Tensor> results(const Function& f, const std::vector<Tensor>& inputs, bool as_reference) const {
    const StockOperations way(!as_reference && GetParam().stock);
    std::vector<Tensor> leaves;
    for (const Tensor& input : inputs) {
      const Tensor rounded = on(input);
      leaves.push_back((as_reference ? in_fp64(rounded) : rounded).detach().clone().requires_grad_(true));
    }
    const Tensor value = f(leaves);
    Tensor direction = on(random_double(value.sizes(), 77)).to(value.device(), value.scalar_type());
    if (direction.dim() == 2) direction = direction.t().contiguous().t();
    value.backward(direction);
    std::vector<Tensor> all = {value.detach()};
    for (const Tensor& leaf : leaves) all.push_back(leaf.grad());
    return all;
  }

  /// The mask of dropout as this backend draws it: 0, or what is kept is multiplied by.
  Tensor factors(at::IntArrayRef sizes, double p, const RandomKey& key) const {
    const StockOperations way(GetParam().stock);
    return (tvae::dropout(on(at::ones(sizes, at::kDouble)), p, key) != 0).to(at::kCPU, at::kDouble) / (1.0 - p);
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
  const Tensor kept = factors({48, 64}, kRate, 8) != 0;
  const Tensor direction = on(random_double({48, 64}, 77));
  // The share that is kept is within five standard deviations.
  EXPECT_NEAR(kept.to(at::kDouble).mean().item<double>(), 1.0 - kRate, 5 * std::sqrt(0.24 / (48 * 64)));
  const Tensor expected_value = in_fp64(residual) + in_fp64(x) * kept / (1.0 - kRate);
  const Tensor expected_gradient = in_fp64(direction) * kept / (1.0 - kRate);
  EXPECT_LT(test::relative_error(found[0].cpu(), expected_value), GetParam().tolerance);
  EXPECT_LT(test::relative_error(found[1].cpu(), expected_gradient), GetParam().tolerance)
      << (((found[1].cpu() != 0) != kept).sum().item<int64_t>()) << " of " << kept.numel()
      << " elements by another mask";
  EXPECT_TRUE(at::equal(found[2], direction)) << "the residual passes all";
  // What is kept grows by 1/(1-p) on average, whatever the type: roundings go both ways, and there are 1,800 of them.
  const double rounding = GetParam().type == at::kBFloat16 ? 0x1p-8 : GetParam().tolerance;
  const Tensor alone = in_fp64(found[1]) / in_fp64(direction);
  EXPECT_NEAR(alone.masked_select(kept).mean().item<double>() * (1.0 - kRate), 1.0, 5 * rounding / std::sqrt(1800.0));
}

TEST_P(EveryBackend, DropoutsMaskDoesNotDependOnStrides) {
  const StockOperations way(GetParam().stock);
  const Tensor x = on(at::ones({40, 30}, at::kDouble));
  const Tensor plain = tvae::dropout(x, 0.5, 3), transposed = tvae::dropout(x.t().contiguous().t(), 0.5, 3);
  EXPECT_TRUE(at::equal(plain, transposed));
}

TEST_P(EveryBackend, ReluDropout) {
  const Tensor x = random_double({20, 33}, 1), mask = factors({20, 33}, 0.3, 9);
  expect_same([](const std::vector<Tensor>& in) { return relu_dropout(in[0], 0.3, 9); },
              [&](const std::vector<Tensor>& in) { return at::relu(in[0]) * mask; }, {x});
}

TEST_P(EveryBackend, GatedGeluDropout) {
  const Tensor mask = factors({20, 33}, 0.3, 9);
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
  struct Case {
    const char* name;
    Spans queries, keys;
    int64_t query_rows, key_rows;
    bool causal;
  };
  const Spans groups = {{0, 3}, {3, 5}, {8, 5}, {13, 40}};
  const std::vector<Case> cases = {
      {"memory", groups, {{0, 4}, {4, 6}, {10, 6}, {16, 9}}, 53, 25, false},
      {"causal", groups, groups, 53, 53, true},
      {"padded queries", {{0, 6}, {6, 6}}, {{0, 2}, {6, 5}}, 12, 12, false},
      {"single queries of a cache", equal_spans(3, 1), {{0, 4}, {14, 2}, {7, 3}}, 3, 21, true},
      {"windows of one memory", {{0, 3}, {3, 2}, {5, 4}}, {{0, 5}, {0, 5}, {5, 3}}, 9, 8, false},
      {"rows in no span", {{1, 2}, {4, 3}}, {{1, 2}, {4, 3}}, 8, 8, false}};
  // Two ways to the same: what is composed is held against the kernel, and the kernel against what is composed.
  const auto reference = GetParam().is_composed() ? attention : attention_composed;
  for (const Case& c : cases)
    for (const bool with_bias : {true, false}) {
      SCOPED_TRACE(c.name);
      AttentionOptions options;
      options.num_heads = 2;
      options.causal = c.causal;
      std::vector<Tensor> inputs = {random_double({c.query_rows, 6}, 1), random_double({c.key_rows, 6}, 2),
                                    random_double({c.key_rows, 6}, 3)};
      if (with_bias) inputs.push_back(random_double({2, 79}, 4));
      const auto of = [&](const auto& function) {
        return [&, function](const std::vector<Tensor>& in) {
          return function(in[0], in[1], in[2], with_bias ? in[3] : Tensor(), c.queries, c.keys, options);
        };
      };
      expect_same(of(attention), of(reference), inputs);
    }
}

TEST_P(EveryBackend, AttentionOfManyTokensSumsTheGradientsOfItsBias) {
  // Of 300 tokens, a distance is that of up to 300 pairs. The bias is in fp32 beside bf16, as T5's is.
  const Spans spans = {{0, 300}, {300, 300}};
  AttentionOptions options;
  options.num_heads = 2;
  options.causal = true;
  std::vector<Tensor> found;
  for (const bool as_reference : {false, true}) {
    const StockOperations way(!as_reference && GetParam().stock);
    const auto rounded = [&](const Tensor& x) { return as_reference ? in_fp64(on(x)) : on(x); };
    Tensor bias = rounded(0.1 * random_double({2, 599}, 4));
    if (at::isReducedFloatingType(bias.scalar_type())) bias = bias.to(at::kFloat);
    bias.requires_grad_(true);
    const Tensor output = attention(rounded(0.3 * random_double({600, 16}, 1)), rounded(random_double({600, 16}, 2)),
                                    rounded(random_double({600, 16}, 3)), bias, spans, spans, options);
    output.backward(rounded(random_double({600, 16}, 5)));
    EXPECT_EQ(output.scalar_type(), as_reference ? at::kDouble : GetParam().type);
    found.push_back(in_fp64(bias.grad()));
  }
  EXPECT_LT(test::relative_error(found[0], found[1]), std::min(GetParam().tolerance, 0.01));
}

TEST_P(EveryBackend, RelativePositionBiasSumsItsGradients) {
  // Most of 999 distances are in the farthest bucket. Where bf16 numbers are added to bf16 numbers, 256 ones are all
  // that a sum can be.
  const Tensor embedding = on(random_double({32, 2}, 1)).requires_grad_(true);
  relative_position_bias(embedding, /*bidirectional=*/false, /*max_length=*/1000, /*max_distance=*/128)
      .sum()
      .backward();
  EXPECT_NEAR(in_fp64(embedding.grad()).sum().item<double>(), 2.0 * 1999.0, GetParam().tolerance * 2.0 * 1999.0);
}

TEST_P(EveryBackend, AttentionsBackwardPassDropsWhatTheForwardPassDropped) {
  // Values of one number a key tell which probabilities were kept: the output is linear in them, and their gradient is
  // the transposed map of the same mask.
  const Spans spans = {{0, 4}, {4, 4}};
  AttentionOptions options;
  options.dropout = 0.5;
  options.dropout_key = 5;
  const StockOperations way(GetParam().stock);
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

TEST_P(EveryBackend, GaussianMmd) {
  expect_same([](const std::vector<Tensor>& in) { return gaussian_mmd(in[0], in[1]); },
              [](const std::vector<Tensor>& in) {
                const auto mean_kernel = [](const Tensor& a, const Tensor& b) {
                  return ((a.unsqueeze(1) - b.unsqueeze(0)).square().sum(2) / -4.0).exp().mean();
                };
                return mean_kernel(in[0], in[0]) + mean_kernel(in[1], in[1]) - 2.0 * mean_kernel(in[0], in[1]);
              },
              {3.0 * random_double({7, 2}, 1), random_double({7, 2}, 2)});
}

TEST_P(EveryBackend, LinearCrossEntropyInChunksAndWithWeights) {
  // Of 40,000 words the logits of 419 tokens are alive together, so that these are two chunks.
  constexpr int64_t kWords = 40000, kTokens = 430;
  ASSERT_LT(logit_rows(kTokens, kWords), kTokens);
  const Tensor targets = at::randint(kWords, {kTokens}, at::kLong), weights = random_double({kTokens}, 3).abs();
  const auto weights_like = [&](const Tensor& x) { return on(weights).to(x.device(), x.scalar_type()); };
  expect_same(
      [&](const std::vector<Tensor>& in) {
        return 3.0 * linear_cross_entropy(in[0], in[1], targets.to(in[0].device()), weights_like(in[0]), 0.5).loss;
      },
      [&](const std::vector<Tensor>& in) {
        const Tensor nats = at::cross_entropy_loss(0.5 * at::mm(in[0], in[1].t()), targets, {}, at::Reduction::None);
        return 3.0 * (nats * weights_like(in[0])).sum();
      },
      {random_double({kTokens, 4}, 1), random_double({kWords, 4}, 2)});
}

TEST_P(EveryBackend, LikeliestIsTheLargestLogitAndItsShare) {
  if (GetParam().type != at::kFloat) return;  // logits are in fp32
  const StockOperations way(GetParam().stock);
  const Tensor logits = 3.0 * random_double({6, 1000}, 4);
  Tensor given = on(logits);
  given[5][17] = std::numeric_limits<float>::quiet_NaN();
  const Likeliest found = likeliest(given);
  const auto [share, id] = in_fp64(on(logits)).narrow(0, 0, 5).softmax(1).max(1);
  EXPECT_TRUE(found.ids.cpu().narrow(0, 0, 5).equal(id));
  EXPECT_LT(test::relative_error(found.probability.cpu().narrow(0, 0, 5), share), GetParam().tolerance);
  EXPECT_FALSE(std::isfinite(found.probability[5].item<float>()));
}

TEST_P(EveryBackend, TableRowsOfATableThatAlsoProjects) {
  const Tensor ids = torch::tensor({3, 0, 3, 6, 1}, at::kLong), targets = torch::tensor({0, 3, 6, 6, 2}, at::kLong);
  const StockOperations way(GetParam().stock);
  const Tensor table = on(random_double({7, 4}, 1)).requires_grad_(true), direction = on(random_double({5, 4}, 2));
  take_gradients_of_rows(table);
  linear_cross_entropy(table_rows(table, ids.to(table.device())) * direction, table, targets.to(table.device()), {},
                       1.0)
      .loss.backward();
  const Tensor stock = in_fp64(table).requires_grad_(true);
  at::cross_entropy_loss(at::mm(at::embedding(stock, ids) * in_fp64(direction), stock.t()), targets, {},
                         at::Reduction::Sum)
      .backward();
  ASSERT_FALSE(table.grad().is_sparse());
  EXPECT_LT(test::relative_error(table.grad().cpu(), stock.grad()), GetParam().tolerance);
}

TEST_P(EveryBackend, LinearOfAWeightAndOfInt8) {
  expect_same([](const std::vector<Tensor>& in) { return tvae::linear(in[0], Weight{in[1]}, in[2]); },
              [](const std::vector<Tensor>& in) { return at::mm(in[0], in[1].t()) + in[2]; },
              {random_double({40, 24}, 1), random_double({13, 24}, 2), random_double({13}, 3)});
  const StockOperations way(GetParam().stock);
  const torch::NoGradGuard no_grad;
  const Tensor values = (50.0 * random_double({53, 29}, 1)).round().clamp(-127, 127).to(GetParam().device, at::kChar);
  const Weight weight{values, on(at::logspace(-2, 0, 53, 10.0, at::kDouble).unsqueeze(1))};
  const Tensor dense = in_fp64(weight.values) * in_fp64(weight.scale);
  const Tensor ids = torch::tensor({52, 0, 7}, at::kLong);
  EXPECT_LT(test::relative_error(weight.rows(ids.to(values.device())).cpu(), at::embedding(dense, ids)),
            GetParam().tolerance);
  for (const int64_t rows : {1, 40}) {
    const Tensor x = on(random_double({rows, 29}, 3));
    // Our kernels may round x to 8 bits; Int8Weight's tests hold them against that.
    const double tolerance = GetParam().is_composed() ? GetParam().tolerance : std::max(0.02, GetParam().tolerance);
    EXPECT_LT(test::relative_error(linear(x, weight).cpu(), at::mm(in_fp64(x), dense.t())), tolerance) << rows;
  }
}

TEST_P(EveryBackend, WhatIsRecomputedHasTheGradientsOfWhatIsKept) {
  const StockOperations way(GetParam().stock);
  const Tensor weight = on(random_double({6, 6}, 1)).requires_grad_(true), bias = on(random_double({6}, 2));
  const auto body = [&](const std::vector<Tensor>& in) {
    return dropout_add(relu_dropout(tvae::linear(in[0], weight, bias), 0.3, 5), in[0], 0.2, 6);
  };
  const Tensor x = on(random_double({50, 6}, 3)).requires_grad_(true), direction = on(random_double({50, 6}, 4));
  const Tensor kept = body({x}), again = recompute(body, {x}, {weight});
  EXPECT_TRUE(at::equal(kept, again));
  const auto of_kept = torch::autograd::grad({kept}, {x, weight}, {direction});
  const auto of_again = torch::autograd::grad({again}, {x, weight}, {direction});
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(at::equal(of_kept[i], of_again[i])) << i;
}

TEST_P(EveryBackend, SecondDerivatives) {
  // A gradient's own gradient, by the operations that have one.
  const Spans spans = {{0, 3}, {3, 5}};
  AttentionOptions options;
  options.num_heads = 2;
  options.causal = true;
  const auto slope = [&](const std::vector<Tensor>& in) {
    const TwiceDifferentiable twice;
    const Tensor normed = rms_norm(in[0], in[1], 1e-6);
    const Tensor output =
        gated_gelu_dropout(attention(normed, in[0], normed, in[2], spans, spans, options), in[0], 0, 0);
    return torch::autograd::grad({output.square().sum()}, {in[0]}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  };
  const std::vector<Tensor> inputs = {random_double({8, 6}, 1), random_double({6}, 2), random_double({2, 9}, 3)};
  const std::vector<Tensor> found = results(slope, inputs, false), expected = results(slope, inputs, true);
  // Of bf16 numbers many are lost on so long a way: all of them together.
  const double tolerance = std::max(GetParam().tolerance, GetParam().type == at::kBFloat16 ? 0.1 : 1e-9);
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_LT((in_fp64(found[i]) - expected[i]).norm().item<double>(), tolerance * expected[i].norm().item<double>())
        << i;
}

TEST_P(EveryBackend, Mmd) {
  const std::vector<Tensor> inputs = {random_double({7, 6}, 4)};
  const Tensor past = on(random_double({5, 6}, 5)), y = on(random_double({12, 6}, 6));
  const auto found = results([&](const auto& in) { return multiquadric_mmd(in[0], y, past); }, inputs, false);
  const auto expected =
      results([&](const auto& in) { return multiquadric_mmd(in[0], in_fp64(y), in_fp64(past)); }, inputs, true);
  // Distances are differences of squares, so bf16 keeps fewer digits of a single gradient: all of them together.
  const double tolerance = std::max(GetParam().tolerance, GetParam().type == at::kBFloat16 ? 0.05 : 0.0);
  EXPECT_LT((in_fp64(found[1]) - expected[1]).norm().item<double>(), tolerance * expected[1].norm().item<double>());
}

TEST(Backend, IsOursForFullPrecisionOnTheCpuAndFollowsThePlannedDeviceAndTheGuard) {
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
  {
    const StockOperations stock(true);
    EXPECT_EQ(backend_of(at::zeros({1})), Backend::kStock);
  }
  EXPECT_EQ(backend_of(at::zeros({1})), Backend::kCpu);
  EXPECT_EQ(backend_of(meta), Backend::kCpu);
}

INSTANTIATE_TEST_SUITE_P(All, EveryBackend, testing::ValuesIn(test::backends()), [](const auto& tested) {
  std::string name = tested.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
}  // namespace tvae
