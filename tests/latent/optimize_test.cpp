#include "tvae/latent/optimize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kDimensions = 64;

/// A property of codes [8, 8] that are N(0, I): twice the first number, plus one.
LinearProperty first_number() {
  Tensor weights = at::zeros({kDimensions}, at::kDouble);
  weights[0] = 2.0;
  return {{at::zeros({8, 8}, at::kDouble), at::ones({8, 8}, at::kDouble)}, weights, 1.0};
}

Tensor typical_code() {
  Rng rng(1);
  return at::randn({8, 8}, rng.generator(), at::kFloat);
}

OptimizedPath climb(const OptimizeOptions& options) {
  const LinearProperty property = first_number();
  return optimize_code(typical_code(), property, CodeLikelihood(property.scale), options);
}

double last(const Tensor& values) {
  return values[-1].item<double>();
}

TEST(Optimize, APathStartsAtTheCodeAndItsObjectiveNeverFalls) {
  const OptimizedPath path = climb({.steps = 50});
  ASSERT_EQ(path.codes.sizes(), (std::vector<int64_t>{51, 8, 8}));
  EXPECT_TRUE(path.codes[0].equal(typical_code()));
  EXPECT_TRUE((path.objectives.diff() > 0).all().item<bool>());
  const Tensor lengths = path.codes.flatten(1).diff(1, 0).norm(2, {1});
  EXPECT_LT(lengths.max().item<float>(), 0.1f + 1e-5f) << "no step is longer than the step size";
  const Tensor first = path.codes.select(1, 0).select(1, 0).to(at::kDouble);
  EXPECT_TRUE(path.values.allclose(2.0 * first + 1.0, 0, 1e-5));
  EXPECT_GT(last(first), first[0].item<double>() + 2.0) << "50 steps of 0.1 at most, along the property";
}

TEST(Optimize, ThePriorKeepsCodesTypicalWithoutPullingThemToItsMean) {
  const OptimizedPath near = climb({.steps = 300, .text_weight = 0.0}),
                      free = climb({.steps = 300, .prior_weight = 0.0, .text_weight = 0.0});
  EXPECT_NEAR(last(free.values) - free.values[0].item<double>(), 2.0 * 30.0, 0.01) << "a straight line";
  EXPECT_GT(last(free.unlikeliness), 20.0);
  EXPECT_LT(last(near.unlikeliness), 2.0);
  EXPECT_GT(last(near.values), near.values[0].item<double>() + 8.0);
  EXPECT_GT(near.codes[-1].norm().item<double>(), 0.8 * std::sqrt(kDimensions));
}

TEST(Optimize, AnUnlikelyStartComesBack) {
  const LinearProperty property = first_number();
  const OptimizedPath path =
      optimize_code(3.0 * typical_code(), property, CodeLikelihood(property.scale), {.steps = 200, .text_weight = 0.0});
  EXPECT_GT(path.unlikeliness[0].item<double>(), 10.0);
  EXPECT_LT(last(path.unlikeliness), 2.0);
}

TEST(Optimize, TheTextWeightBindsToTheText) {
  // Along the property the balance is at 1/text weight deviations: 2 · 1/0.5 above the start.
  const OptimizedPath path = climb({.steps = 2000, .prior_weight = 0.0, .text_weight = 0.5});
  EXPECT_NEAR(last(path.values) - path.values[0].item<double>(), 4.0, 0.01);
  EXPECT_LT(path.codes.size(0), 500) << "it stops where nothing is to be gained";
}

TEST(Optimize, DownhillIsTheOtherWay) {
  const OptimizedPath path = climb({.steps = 30, .downhill = true});
  EXPECT_LT(last(path.values), path.values[0].item<double>() - 2.0);
  EXPECT_TRUE((path.objectives.diff() > 0).all().item<bool>());
}

TEST(Optimize, AFittedPriorWithNarrowAxesIsFollowed) {
  // The first two numbers hardly differ, so that along the first alone codes soon become unlikely.
  Rng rng(2);
  Tensor codes = at::randn({2000, 1, 4}, rng.generator(), at::kFloat);
  codes.select(2, 1).mul_(0.05).add_(codes.select(2, 0));
  PriorFit prior = fit_prior("gaussian", codes, {});
  const LinearProperty property = fit_property(codes, codes.select(2, 0).select(1, 0), 1).property;
  const OptimizedPath path = optimize_code(codes[0], property, CodeLikelihood(std::move(prior.prior), rng),
                                           {.steps = 400, .text_weight = 0.0});
  EXPECT_TRUE((path.objectives.diff() > 0).all().item<bool>());
  EXPECT_GT(last(path.values), path.values[0].item<double>() + 0.5);
  EXPECT_LT(last(path.unlikeliness), 2.0);
  EXPECT_NEAR(path.codes[-1][0][0].item<double>(), path.codes[-1][0][1].item<double>(), 0.3);
}

TEST(Optimize, ALikelihoodKeepsThePriorThatItWasMadeOf) {
  Rng rng(2);
  struct Counted : Prior {
    explicit Counted(int& alive) : alive_(alive) { ++alive_; }
    ~Counted() override { --alive_; }
    Tensor sample(int64_t n, Rng&, double) const override { return at::arange(n, at::kFloat).view({n, 1, 1}); }
    Tensor log_density(const Tensor& codes) const override { return codes.flatten(1).sum(1).to(at::kDouble); }
    TensorMap tensors() const override { return {}; }
    int& alive_;
  };
  int alive = 0;
  {
    const CodeLikelihood likelihood(std::make_unique<Counted>(alive), rng);
    EXPECT_EQ(alive, 1) << "no one else holds it";
    EXPECT_EQ(likelihood.log_density(at::ones({1, 2, 3}))[0].item<double>(), 6.0);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Optimize, DensitiesOfPriorsAreDifferentiableByTheCode) {
  Rng rng(3);
  const Tensor codes = at::randn({300, 2, 4}, rng.generator(), at::kFloat);
  for (const auto& [name, help, kind, order] : prior_kinds().entries()) {
    const PriorFit fit = kind.fit(codes, {}, Progress::none());
    const Tensor z = codes.narrow(0, 0, 3).to(at::kDouble).requires_grad_();
    const Tensor gradient = torch::autograd::grad({fit.prior->log_density(z).sum()}, {z})[0];
    const Tensor away = at::zeros_like(z);
    away.select(1, 1).select(1, 2).fill_(1e-4);
    const torch::NoGradGuard no_grad;
    const Tensor slope = (fit.prior->log_density(z + away) - fit.prior->log_density(z - away)) / 2e-4;
    EXPECT_TRUE(slope.allclose(gradient.select(1, 1).select(1, 2), 1e-5, 1e-6)) << name;  // fp64, error of 1e-8
  }
}

TEST(Optimize, NumbersThatDoNotVaryStay) {
  LinearProperty property = first_number();
  property.scale.deviation[3].zero_();
  const OptimizedPath path = optimize_code(typical_code(), property, CodeLikelihood(property.scale), {.steps = 20});
  EXPECT_TRUE(path.codes[-1][3].equal(typical_code()[3]));
}

TEST(Optimize, AStepThatLeadsNowhereIsRefused) {
  for (const double step_size : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")})
    EXPECT_THROW(climb({.step_size = step_size}), ConfigError);
}

TEST(Optimize, APropertyThatDoesNotDependOnTheCodeIsRefused) {
  LinearProperty property = first_number();
  property.weights.zero_();
  EXPECT_THROW(optimize_code(typical_code(), property, CodeLikelihood(property.scale), {}), DataError);
}

}  // namespace
}  // namespace tvae
