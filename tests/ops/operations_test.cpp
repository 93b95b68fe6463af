// Dropout, RMS norm, linear cross-entropy, MMD and random keys.
#include "tests/support/gradient_check.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/likeliest.h"
#include "tvae/ops/linear_cross_entropy.h"
#include "tvae/ops/mmd.h"
#include "tvae/ops/rms_norm.h"
#include "tvae/ops/rng.h"

namespace tvae {
namespace {

using test::random_double;
using torch::Tensor;

TEST(Rng, StateIsSeedAndCount) {
  Rng rng(7);
  const uint64_t first = rng.next_key(), second = rng.next_key();
  EXPECT_NE(first, second);
  Rng again(7, 1);
  EXPECT_EQ(again.next_key(), second);
  Rng a(3), b(3);
  EXPECT_TRUE(at::equal(at::randn({5}, a.generator()), at::randn({5}, b.generator())));
}

TEST(Dropout, KeepsTheExpectedShareAndScale) {
  const Tensor dropped = tvae::dropout(at::ones({200000}), 0.3, 11);
  const double kept = (dropped != 0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(kept, 0.7, 5 * std::sqrt(0.21 / 200000));
  EXPECT_FLOAT_EQ(dropped.max().item<float>(), 1.0f / 0.7f);
}

TEST(Dropout, MaskDependsOnTheKeyAlone) {
  const Tensor x = random_double({1000}, 1);
  EXPECT_TRUE(at::equal(tvae::dropout(x, 0.5, 3), tvae::dropout(x, 0.5, 3)));
  EXPECT_FALSE(at::equal(tvae::dropout(x, 0.5, 3), tvae::dropout(x, 0.5, 4)));
  EXPECT_TRUE(at::equal(tvae::dropout(x, 0.0, 3), x));
}

TEST(Dropout, NeighbouringElementsAndKeysAreUncorrelated) {
  const auto mask = [](uint64_t key) {
    return (tvae::dropout(at::ones({100000}), 0.5, key) != 0).to(at::kDouble) - 0.5;
  };
  Rng rng(5);
  const Tensor a = mask(rng.next_key()), b = mask(rng.next_key());
  const double bound = 5 * 0.25 / std::sqrt(100000.0);
  EXPECT_LT(std::abs((a * b).mean().item<double>()), bound);
  EXPECT_LT(std::abs((a.narrow(0, 1, 99999) * a.narrow(0, 0, 99999)).mean().item<double>()), bound);
}

TEST(Dropout, Gradients) {
  test::check_gradients([](const std::vector<Tensor>& x) { return dropout_add(x[0], x[1], 0.4, 8); },
                        {random_double({4, 6}, 1), random_double({4, 6}, 2)});
}

TEST(Activations, WithDropoutGiveWhatTheirPartsGive) {
  using Operation = std::function<Tensor(const Tensor&, const Tensor&)>;
  torch::manual_seed(2);
  const Tensor gate = at::randn({20, 30}), x = at::randn({20, 30}), direction = at::randn({20, 30});
  const auto value_and_gradients = [&](const Operation& operation) {
    std::vector<Tensor> inputs = {gate.clone().requires_grad_(true), x.clone().requires_grad_(true)};
    const Tensor y = operation(inputs[0], inputs[1]);
    std::vector<Tensor> results = torch::autograd::grad({(y * direction).sum()}, inputs, {}, {}, false, true);
    results.push_back(y.detach());
    return results;
  };
  for (const double p : {0.0, 0.3}) {
    struct Pair {
      Operation fused, parts;
      double tolerance;  // of the gated one, whose exponential is not libtorch's
    };
    const std::vector<Pair> pairs = {
        {[p](const Tensor& a, const Tensor&) { return relu_dropout(a, p, 9); },
         [p](const Tensor& a, const Tensor&) { return tvae::dropout(at::relu(a), p, 9); }, 0.0},
        {[p](const Tensor& a, const Tensor& b) { return gated_gelu_dropout(a, b, p, 9); },
         [p](const Tensor& a, const Tensor& b) { return tvae::dropout(at::gelu(a, "tanh") * b, p, 9); }, 2e-6}};
    for (const auto& [fused, parts, tolerance] : pairs) {
      const auto found = value_and_gradients(fused), expected = value_and_gradients(parts);
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i].defined(), expected[i].defined());
        if (found[i].defined()) {
          EXPECT_LE((found[i] - expected[i]).abs().max().item<double>(), tolerance) << i;
        }
      }
    }
  }
}

TEST(Activations, GatedGeluFarFromZeroAndItsGradients) {
  // Numbers of whole registers and some more; the exponentials of the outer ones are beyond fp32.
  const Tensor far = at::linspace(-60.0, 60.0, 77, at::kDouble), factor = random_double({77}, 2);
  const Tensor expected = at::gelu(far, "tanh") * factor;
  EXPECT_LT((gated_gelu_dropout(far, factor, 0.0, 0) - expected).abs().max().item<double>(), 1e-12);
  const Tensor in_float = gated_gelu_dropout(far.to(at::kFloat), factor.to(at::kFloat), 0.0, 0);
  EXPECT_TRUE(at::allclose(in_float.to(at::kDouble), expected, /*rtol=*/1e-6, /*atol=*/1e-5));
  test::check_gradients([](const std::vector<Tensor>& x) { return gated_gelu_dropout(x[0], x[1], 0.0, 0); },
                        {random_double({77}, 1), random_double({77}, 2)});
}

TEST(Activations, GatedGeluDoesNotDependOnWhereANumberStands) {
  const Tensor gate = random_double({70001}, 1).to(at::kFloat), x = random_double({70001}, 2).to(at::kFloat);
  const Tensor all = gated_gelu_dropout(gate, x, 0.0, 0);
  for (const int64_t first : {1, 63, 69990}) {
    const Tensor some = gated_gelu_dropout(gate.narrow(0, first, 11), x.narrow(0, first, 11), 0.0, 0);
    EXPECT_TRUE(at::equal(some, all.narrow(0, first, 11))) << first;
  }
}

TEST(RmsNorm, EqualsItsFormula) {
  const Tensor x = random_double({7, 12}, 1), weight = random_double({12}, 2);
  const Tensor expected = x * at::rsqrt(x.square().mean(-1, true) + 1e-6) * weight;
  EXPECT_LT((rms_norm(x, weight, 1e-6) - expected).abs().max().item<double>(), 1e-13);
  EXPECT_LT((rms_norm(x.to(at::kFloat), weight.to(at::kFloat), 1e-6) - expected).abs().max().item<double>(), 1e-5);
}

TEST(RmsNorm, Gradients) {
  test::check_gradients([](const std::vector<Tensor>& x) { return rms_norm(x[0], x[1], 1e-6); },
                        {random_double({19, 5}, 1), random_double({5}, 2)});
}

TEST(RmsNorm, HalfPrecisionHasTheGradientsOfFullPrecision) {
  torch::manual_seed(4);
  const Tensor x = at::randn({9, 64}).to(at::kBFloat16), weight = at::randn({64}).to(at::kBFloat16);
  const Tensor direction = at::randn({9, 64}).to(at::kBFloat16);
  const auto gradients = [&](at::ScalarType type) {
    std::vector<Tensor> inputs;
    for (const Tensor& input : {x, weight}) inputs.push_back(input.to(type).detach().requires_grad_(true));
    return torch::autograd::grad({(rms_norm(inputs[0], inputs[1], 1e-6) * direction.to(type)).sum()}, inputs);
  };
  const auto half = gradients(at::kBFloat16), full = gradients(at::kFloat);
  for (size_t i = 0; i < 2; ++i) {  // bf16 keeps 8 bits: each gradient is rounded once
    EXPECT_EQ(half[i].scalar_type(), at::kBFloat16);
    EXPECT_TRUE(at::allclose(half[i].to(at::kFloat), full[i], /*rtol=*/0.01, /*atol=*/0.02)) << i;
  }
}

TEST(LinearCrossEntropy, EqualsLogSoftmaxOfTheProjection) {
  const Tensor states = random_double({50, 6}, 1), projection = random_double({11, 6}, 2);
  const Tensor targets = at::randint(11, {50}, at::kLong), weights = random_double({50}, 3).abs();
  const Tensor logits = at::mm(states, projection.t()) * 0.5;
  const Tensor nats = -at::log_softmax(logits, 1).gather(1, targets.unsqueeze(1)).squeeze(1);
  const CrossEntropy result = linear_cross_entropy(states, projection, targets, weights, 0.5);
  EXPECT_LT((result.token_nats - nats).abs().max().item<double>(), 1e-12);
  EXPECT_NEAR(result.loss.item<double>(), (nats * weights).sum().item<double>(), 1e-10);
  EXPECT_TRUE(at::equal(result.correct, logits.argmax(1) == targets));
}

TEST(LinearCrossEntropy, OfEqualLogitsTheFirstIsTheAnswer) {
  const Tensor targets = torch::tensor({0, 1, 2}, at::kLong);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {  // by kernel, and composed
    const Tensor correct =
        linear_cross_entropy(at::zeros({3, 4}, type), at::zeros({3, 4}, type), targets, {}, 1.0).correct;
    EXPECT_TRUE(at::equal(correct, torch::tensor({true, false, false}))) << type;
  }
}

TEST(LinearCrossEntropy, OfLogitsFromElsewhereIsTheSame) {
  const Tensor states = random_double({50, 6}, 1), projection = random_double({11, 6}, 2);
  const Tensor targets = at::randint(11, {50}, at::kLong);
  for (const at::ScalarType type : {at::kDouble, at::kBFloat16}) {  // by kernel, and composed
    const Tensor h = states.to(type), w = projection.to(type);
    const CrossEntropy expected = linear_cross_entropy(h, w, targets, {}, 1.0);
    const CrossEntropy found =
        cross_entropy_of([&](const Tensor& some) { return at::mm(some, w.t()); }, h, targets, w.size(0));
    const double tolerance = type == at::kDouble ? 1e-12 : 0.0;
    EXPECT_LE((found.token_nats - expected.token_nats).abs().max().item<double>(), tolerance);
    EXPECT_NEAR(found.loss.item<double>(), expected.loss.item<double>(), 50 * tolerance);
    EXPECT_TRUE(at::equal(found.correct, expected.correct));
  }
}

TEST(LinearCrossEntropy, Gradients) {
  const Tensor targets = at::randint(9, {40}, at::kLong), weights = random_double({40}, 3).abs();
  for (const bool weighted : {false, true})
    test::check_gradients(
        [&](const std::vector<Tensor>& x) {
          return 3.0 * linear_cross_entropy(x[0], x[1], targets, weighted ? weights : Tensor(), 0.7).loss;
        },
        {random_double({40, 5}, 1), random_double({9, 5}, 2)});
}

TEST(LinearCrossEntropy, ManyChunksGiveTheSameAsOne) {
  // 600,000 words: 16 tokens a chunk.
  torch::manual_seed(3);
  const Tensor projection = at::randn({600000, 2}), states = at::randn({40, 2});
  const Tensor targets = at::randint(600000, {40}, at::kLong);
  const Tensor expected = at::cross_entropy_loss(at::mm(states, projection.t()), targets, {}, at::Reduction::Sum);
  const auto logits = [&](const Tensor& some) { return at::mm(some, projection.t()); };
  EXPECT_NEAR(cross_entropy_of(logits, states, targets, 600000).loss.item<double>() / expected.item<double>(), 1.0,
              1e-5);
  EXPECT_NEAR(linear_cross_entropy(states, projection, targets, {}, 1.0).loss.item<double>() / expected.item<double>(),
              1.0, 1e-5);
}

TEST(Mmd, PublishedFormula) {
  const Tensor t = random_double({6, 3}, 1), z = random_double({6, 3}, 2);
  const auto mean_kernel = [](const Tensor& a, const Tensor& b) {
    return ((a.unsqueeze(1) - b.unsqueeze(0)).square().mean(2) / 3.0).neg().exp().mean();
  };
  const Tensor expected = mean_kernel(t, t) + mean_kernel(z, z) - 2 * mean_kernel(t, z);
  EXPECT_NEAR(gaussian_mmd(t, z).item<double>(), expected.item<double>(), 1e-12);
  test::check_gradients([&](const std::vector<Tensor>& x) { return gaussian_mmd(t, x[0]); }, {z});
}

TEST(Mmd, MultiquadricTellsCollapseFromTheNoiseFloor) {
  torch::manual_seed(1);
  const Tensor prior = at::randn({512, 32}, at::kDouble), same = at::randn({512, 32}, at::kDouble);
  const double floor = multiquadric_mmd(prior, same).item<double>();
  const double collapsed = multiquadric_mmd(at::full({512, 32}, 0.1, at::kDouble), prior).item<double>();
  EXPECT_LT(std::abs(floor), 0.01);
  EXPECT_GT(collapsed, 0.5);
}

TEST(Mmd, MultiquadricGradientsAreThoseOfXAndItsPast) {
  const Tensor x = random_double({5, 6}, 4), past = random_double({7, 6}, 5), y = random_double({12, 6}, 6);
  // The formula, with all of {x, past}: its gradient to x is what is asked for.
  const auto kernel = [](const Tensor& a, const Tensor& b) {
    const Tensor squared = (a.unsqueeze(1) - b.unsqueeze(0)).square().sum(2);
    Tensor sum = at::zeros_like(squared);
    for (const double scale : {0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0}) sum = sum + 12.0 * scale / (12.0 * scale + squared);
    return sum;
  };
  const auto expected = [&](const Tensor& some) {
    const Tensor all = at::cat({some, past});
    return (kernel(all, all).sum() - 7.0 * 12.0) / (12.0 * 11.0) + (kernel(y, y).sum() - 7.0 * 12.0) / (12.0 * 11.0) -
           2.0 * kernel(all, y).mean();
  };
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16}) {  // the last has no kernel
    const Tensor ours = x.to(type).clone().requires_grad_(true), theirs = x.clone().requires_grad_(true);
    multiquadric_mmd(ours, y.to(type), past.to(type)).backward();
    expected(theirs).backward();
    const double tolerance = type == at::kDouble ? 1e-12 : type == at::kFloat ? 1e-5 : 0.05;
    EXPECT_LT((ours.grad().to(at::kDouble) - theirs.grad()).norm().item<double>(),
              tolerance * theirs.grad().norm().item<double>())
        << type;
  }
  const Tensor all = at::cat({x, past});
  EXPECT_NEAR(multiquadric_mmd(all, y).item<double>(), expected(x).item<double>(), 1e-12);
  test::check_gradients([&](const std::vector<Tensor>& z) { return multiquadric_mmd(z[0], y); }, {x});
  // Not biased by pairs that are left out: the mean over draws is the same.
  torch::manual_seed(7);
  double difference = 0.0;
  constexpr int kDraws = 3000;
  double squares = 0.0;
  for (int draw = 0; draw < kDraws; ++draw) {
    const Tensor a = 2.0 * at::randn({16, 4}, at::kDouble), b = at::randn({24, 4}, at::kDouble);
    const double estimate = multiquadric_mmd(a.narrow(0, 0, 4), b, a.narrow(0, 4, 12)).item<double>();
    const double off = estimate - multiquadric_mmd(a, b).item<double>();
    difference += off;
    squares += off * off;
  }
  EXPECT_LT(std::abs(difference), 4.0 * std::sqrt(squares)) << "four standard errors";
  EXPECT_LT(std::sqrt(squares) / kDraws, 0.01) << "which are small";
  // Few rows: pairs that do not exist count as nothing.
  for (const auto& [n, q] : {std::pair{1, 1}, {1, 5}, {4, 1}})
    EXPECT_TRUE(std::isfinite(multiquadric_mmd(x.narrow(0, 0, n), y, past.narrow(0, 0, q)).item<double>()));
}

TEST(Likeliest, IsTheLargestLogitAndItsShare) {
  const Tensor logits = random_double({6, 131}, 4).to(at::kFloat) * 3;
  logits[5][17] = std::numeric_limits<float>::quiet_NaN();
  logits[4][3] = std::numeric_limits<float>::infinity();
  const Likeliest found = likeliest(logits);
  const auto [share, id] = logits.narrow(0, 0, 4).softmax(1).max(1);
  EXPECT_TRUE(found.ids.narrow(0, 0, 4).equal(id));
  EXPECT_LT((found.probability.narrow(0, 0, 4) - share).abs().max().item<double>(), 1e-6);
  for (const int64_t row : {4, 5}) EXPECT_FALSE(std::isfinite(found.probability[row].item<float>())) << row;
}

}  // namespace
}  // namespace tvae
