#include "tvae/latent/prior.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

/// N codes [N, 2, 2] of a Gaussian with a known mean and correlation.
Tensor correlated_codes(int64_t n, uint64_t seed) {
  Rng rng(seed);
  const Tensor noise = at::randn({n, 4}, rng.generator(), at::kDouble);
  Tensor x = noise.clone();
  x.select(1, 0).mul_(2.0).add_(5.0);
  x.select(1, 1).copy_(0.8 * noise.select(1, 2) + 0.6 * noise.select(1, 1));
  return x.view({n, 2, 2}).to(at::kFloat);
}

/// Two far clusters.
Tensor clustered_codes(int64_t n, uint64_t seed) {
  Rng rng(seed);
  const Tensor noise = at::randn({n, 2, 2}, rng.generator(), at::kFloat);
  return noise + 10.0 * (at::arange(n) % 2).view({n, 1, 1});
}

TEST(Prior, NormalDensityIsTheClosedForm) {
  const auto prior = make_normal_prior(1, 2);
  const Tensor density = prior->log_density(torch::tensor({0.0f, 0.0f, 1.0f, 2.0f}).view({2, 1, 2}));
  EXPECT_NEAR(density[0].item<double>(), -std::log(2 * std::numbers::pi), 1e-12);
  EXPECT_NEAR(density[1].item<double>(), -std::log(2 * std::numbers::pi) - 2.5, 1e-12);
}

TEST(Prior, GaussianRecoversMeanAndCovariance) {
  const Tensor codes = correlated_codes(4000, 1);
  const PriorFit fit = fit_prior("gaussian", codes);
  Rng rng(2);
  const Tensor drawn = fit.prior->sample(20000, rng).flatten(1).to(at::kDouble);
  EXPECT_NEAR(drawn.mean(0)[0].item<double>(), 5.0, 0.15);
  const Tensor covariance = drawn.t().cov();
  EXPECT_NEAR(covariance[0][0].item<double>(), 4.0, 0.3);
  EXPECT_NEAR(covariance[1][2].item<double>(), 0.8, 0.06);
  EXPECT_NEAR(covariance[0][1].item<double>(), 0.0, 0.1);
  // Expected log density of N(m, S) under itself: -(d/2)(1 + log 2π) - ½ log |S|, with |S| = 4 · 0.36.
  const double entropy = 2.0 * (1 + std::log(2 * std::numbers::pi)) + 0.5 * std::log(4 * 0.36);
  EXPECT_NEAR(fit.facts["held_out_log_density"].get<double>(), -entropy, 0.25);
  EXPECT_NEAR(fit.prior->log_density(correlated_codes(4000, 3)).mean().item<double>(), -entropy, 0.1);
}

TEST(Prior, ScaleShrinksDeviationsAndKeepsTheMean) {
  const PriorFit fit = fit_prior("gaussian", correlated_codes(2000, 1), {});
  Rng rng(2);
  const Tensor drawn = fit.prior->sample(5000, rng, 0.5).select(1, 0).select(1, 0);
  EXPECT_NEAR(drawn.mean().item<double>(), 5.0, 0.15);
  EXPECT_NEAR(drawn.std().item<double>(), 1.0, 0.1);
}

TEST(Prior, MixtureFindsClustersThatOneGaussianCannot) {
  const Tensor codes = clustered_codes(1000, 1);
  const PriorFit one = fit_prior("gaussian", codes, {}), mixture = fit_prior("gmm", codes, {});
  EXPECT_GE(mixture.facts["components"].get<int64_t>(), 2);
  EXPECT_GT(mixture.facts["held_out_log_density"].get<double>(), one.facts["held_out_log_density"].get<double>() + 0.3);
  Rng rng(1);
  const Tensor centres = mixture.prior->sample(1000, rng).flatten(1).mean(1);
  EXPECT_EQ(((centres - 5).abs() < 2).sum().item<int64_t>(), 0);  // nothing between the clusters
  EXPECT_NEAR((centres > 5).to(at::kFloat).mean().item<double>(), 0.5, 0.06);
}

TEST(Prior, AMixtureOfOneIsTheGaussian) {
  const Tensor codes = correlated_codes(500, 1);
  const PriorFit one = fit_prior("gaussian", codes, {}), mixture = fit_prior("gmm", codes, {.components = 1});
  EXPECT_TRUE(one.prior->log_density(codes).equal(mixture.prior->log_density(codes)));
}

TEST(Prior, FullCovariancesFollowComponentsOfDifferentShape) {
  Rng rng(5);
  const Tensor noise = at::randn({4000, 2}, rng.generator(), at::kDouble);
  const Tensor first = at::stack({noise.select(1, 0), 0.98 * noise.select(1, 0) + 0.2 * noise.select(1, 1)}, 1);
  const Tensor second = at::stack({noise.select(1, 0), -0.98 * noise.select(1, 0) + 0.2 * noise.select(1, 1)}, 1);
  const Tensor cross = at::where((at::arange(4000) % 2 == 0).view({-1, 1}), first, second).view({-1, 1, 2});
  const PriorFit fit = fit_prior("gmm", cross, {.components = 2});
  EXPECT_EQ(fit.facts["covariance"], "full");
}

TEST(Prior, FullCovariancesOfManyCodesComeToTheTruth) {
  // One component's codes after the other's, so that a component has no code in whole blocks of them.
  Rng rng(6);
  const int64_t n = 9000;
  const Tensor noise = at::randn({2 * n, 2}, rng.generator(), at::kDouble);
  const Tensor signs = at::ones({2, n}, at::kDouble);
  signs[1].neg_();
  const Tensor sign = signs.flatten(), along = noise.select(1, 0);
  const Tensor across = 0.98 * sign * along + 0.2 * noise.select(1, 1);
  const Tensor codes = at::stack({along, across}, 1).to(at::kFloat).view({2 * n, 1, 2});
  const PriorFit fit = fit_prior("gmm", codes, {.components = 2});
  ASSERT_EQ(fit.facts["covariance"], "full");
  const auto component = [&](double slope) {
    return -0.5 * (along.square() + ((across - slope * along) / 0.2).square()) - std::log(2 * std::numbers::pi * 0.2);
  };
  const Tensor truth = at::logaddexp(component(0.98), component(-0.98)) - std::log(2.0);
  // It is fitted to these very codes, and stops where an iteration brings less than 0.0002.
  EXPECT_NEAR(fit.prior->log_density(codes).mean().item<double>(), truth.mean().item<double>(), 0.002);
}

TEST(Prior, AFlowFollowsABentDistributionThatAGaussianCannot) {
  Rng rng(1);
  const Tensor x = at::randn({4000, 4}, rng.generator(), at::kFloat);
  Tensor bent = x.clone();
  bent.select(1, 1).copy_(x.select(1, 0).square() + 0.3 * x.select(1, 1));
  bent = bent.view({4000, 2, 2});
  const Tensor train = bent.narrow(0, 0, 3000), held_out = bent.narrow(0, 3000, 1000);
  const PriorFit one = fit_prior("gaussian", train, {}), flow = fit_prior("flow", train, {});
  // The density of the four numbers is N(0, I) in the coordinates before the bend, whose volume is 0.3.
  const Tensor before = x.narrow(0, 3000, 1000);
  const double truth =
      make_normal_prior(2, 2)->log_density(before.view({1000, 2, 2})).mean().item<double>() - std::log(0.3);
  const auto reached = [&](const PriorFit& fit) { return fit.prior->log_density(held_out).mean().item<double>(); };
  EXPECT_LT(reached(one), truth - 0.8);
  EXPECT_GT(reached(flow), truth - 0.2);
  EXPECT_NEAR(flow.facts["held_out_log_density"].get<double>(), reached(flow), 0.3);
  // Samples are bent as the data is, and a code's density is that of the noise it came from.
  const Tensor drawn = flow.prior->sample(2000, rng).flatten(1);
  EXPECT_NEAR((drawn.select(1, 1) - drawn.select(1, 0).square()).mean().item<double>(), 0.0, 0.15);
}

TEST(Prior, SamplesHaveTheDensityThatIsSaid) {
  // Of draws from p, the mean of q / p is 1 for any density q that is nowhere much larger than p.
  const Tensor codes = correlated_codes(1000, 1);
  const PriorFit narrow = fit_prior("gaussian", 0.5 * (codes - codes.mean(0)) + codes.mean(0), {});
  for (const auto& [name, help, kind, order] : prior_kinds().entries()) {
    const PriorFit fit = kind.fit(codes, {}, Progress::none());
    Rng rng(2);
    const Tensor drawn = fit.prior->sample(20000, rng);
    const Tensor ratio = (narrow.prior->log_density(drawn) - fit.prior->log_density(drawn)).exp();
    EXPECT_NEAR(ratio.mean().item<double>(), 1.0, 0.1) << name;  // a deviation is about 2 / √20000 = 0.014
  }
}

TEST(Prior, EveryKindIsSeededAndComesBackFromItsTensors) {
  const Tensor codes = clustered_codes(300, 1);
  for (const auto& [name, help, kind, order] : prior_kinds().entries()) {
    const PriorFit fit = kind.fit(codes, {}, Progress::none()), again = kind.fit(codes, {}, Progress::none());
    const auto loaded = kind.load(fit.prior->tensors(), 2, 2);
    EXPECT_TRUE(fit.prior->log_density(codes).equal(again.prior->log_density(codes))) << name;
    EXPECT_TRUE(fit.prior->log_density(codes).equal(loaded->log_density(codes))) << name;
    Rng rng(3), same(3), other(4);
    const Tensor drawn = fit.prior->sample(10, rng);
    EXPECT_EQ(drawn.sizes(), (std::vector<int64_t>{10, 2, 2})) << name;
    EXPECT_TRUE(drawn.equal(loaded->sample(10, same))) << name;
    EXPECT_FALSE(drawn.equal(loaded->sample(10, other))) << name;
    EXPECT_THROW(kind.load(fit.prior->tensors(), 2, 3), CheckpointError) << name;
    EXPECT_THROW(kind.load({}, 2, 2), CheckpointError) << name;
  }
}

TEST(Prior, EveryKindTakesConstantDimensionsAndFewerCodesThanDimensions) {
  Rng rng(1);
  Tensor codes = at::randn({30, 4, 16}, rng.generator(), at::kFloat);
  codes.select(1, 0).fill_(0.25);
  for (const auto& [name, help, kind, order] : prior_kinds().entries()) {
    const PriorFit fit = kind.fit(codes, {}, Progress::none());
    const Tensor drawn = fit.prior->sample(50, rng);
    EXPECT_TRUE(drawn.isfinite().all().item<bool>()) << name;
    EXPECT_LT((drawn.select(1, 0) - 0.25).abs().max().item<double>(), 0.01) << name;
    EXPECT_TRUE(fit.prior->log_density(codes).isfinite().all().item<bool>()) << name;
  }
}

TEST(Prior, TooFewCodesAreRefused) {
  for (const auto& [name, help, kind, order] : prior_kinds().entries())
    EXPECT_THROW(kind.fit(torch::zeros({5, 2, 2}), {}, Progress::none()), DataError) << name;
  EXPECT_THROW(fit_prior("gmm", clustered_codes(100, 1), {.components = 50}), DataError);
  EXPECT_THROW(fit_prior("gmm", clustered_codes(100, 1), {.components = std::numeric_limits<int64_t>::max()}),
               DataError);
  EXPECT_THROW(fit_prior("gaussian", clustered_codes(100, 1), {.components = 2}), ConfigError);
  EXPECT_THROW(prior_kinds().find("gausian"), ConfigError);
}

}  // namespace
}  // namespace tvae
