#include "tvae/eval/language_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tvae/ops/rng.h"

namespace tvae {
namespace {

using torch::Tensor;

Tensor normal(at::IntArrayRef sizes, uint64_t seed) {
  Rng rng(seed);
  return at::randn(sizes, rng.generator(), at::kDouble);
}

TEST(LanguageStatistics, SumsOfEachSequence) {
  const Tensor sums = sequence_sums(torch::tensor({1.0f, 2.0f, 4.0f, 8.0f}), {{0, 1}, {1, 0}, {1, 3}});
  EXPECT_TRUE(at::equal(sums, torch::tensor({1.0, 0.0, 14.0}, at::kDouble)));
}

TEST(LanguageStatistics, DensityIsTheClosedForm) {
  const Tensor density = gaussian_log_density(torch::tensor({{1.0, 2.0}}, at::kDouble), torch::zeros({1, 2}),
                                              torch::tensor({{0.0, std::log(4.0)}}, at::kDouble));
  EXPECT_NEAR(density.item<double>(), -std::log(2 * std::numbers::pi) - 0.5 * std::log(4.0) - 0.5 - 0.5, 1e-6);
}

TEST(LanguageStatistics, TheAggregateIsTheMixture) {
  const Tensor codes = normal({7, 3}, 1), means = normal({7, 3}, 2), log_variances = 0.3 * normal({7, 3}, 3);
  const Tensor density = aggregated_log_density(codes, means, log_variances);
  for (int64_t i = 0; i < 7; ++i) {
    const Tensor of_each = gaussian_log_density(codes[i].expand({7, 3}), means, log_variances);
    EXPECT_NEAR(density[i].item<double>(), std::log(of_each.exp().mean().item<double>()), 1e-9);
  }
}

TEST(LanguageStatistics, MutualInformationOfApartAndOfEqualPosteriors) {
  const int64_t n = 500;
  const Tensor noise = normal({n, 4}, 1), log_variances = torch::zeros({n, 4});
  const Tensor apart = 1000.0 * normal({n, 4}, 2);
  EXPECT_NEAR(mutual_information(apart + noise, apart, log_variances), std::log(500.0), 1e-6);
  const Tensor together = torch::zeros({n, 4});
  EXPECT_NEAR(mutual_information(noise, together, log_variances), 0.0, 1e-9);
}

TEST(LanguageStatistics, MutualInformationOfAGaussianChannel) {
  // x ~ N(0, 1), z | x ~ N(x, s²): ½ log(1 + 1/s²) a dimension.
  const int64_t n = 4000;
  const double s = 0.5;
  const Tensor means = normal({n, 1}, 1);
  const Tensor codes = means + s * normal({n, 1}, 2);
  const double expected = 0.5 * std::log(1 + 1 / (s * s));
  EXPECT_NEAR(mutual_information(codes, means, torch::full({n, 1}, 2 * std::log(s))), expected, 0.03);
}

/// A linear Gaussian model, z ~ N(0, 1), x | z ~ N(z, s²), whose evidence is N(x; 0, 1 + s²).
class LinearGaussian : public testing::Test {
 protected:
  /// [N, k] log p(x|z) + log p(z) − log q(z|x), with posteriors as wide as `stretch` times the true ones.
  Tensor log_weights(int64_t k, double stretch) const {
    const double shrink = 1 / (1 + kVariance), log_variance = std::log(kVariance * shrink * stretch);
    const Tensor means = x_ * shrink, flat = torch::zeros({x_.size(0), 1});
    std::vector<Tensor> columns;
    for (int64_t i = 0; i < k; ++i) {
      const Tensor z = means + std::exp(0.5 * log_variance) * normal({x_.size(0), 1}, 100 + static_cast<uint64_t>(i));
      columns.push_back(gaussian_log_density(x_, z, flat + std::log(kVariance)) + gaussian_log_density(z, flat, flat) -
                        gaussian_log_density(z, means, flat + log_variance));
    }
    return at::stack(columns, 1);
  }
  static constexpr double kVariance = 0.25;
  const Tensor x_ = std::sqrt(1 + kVariance) * normal({200, 1}, 1);
  const Tensor evidence_ =
      gaussian_log_density(x_, torch::zeros({200, 1}), torch::full({200, 1}, std::log(1 + kVariance), at::kDouble));
};

TEST_F(LinearGaussian, TheTruePosteriorGivesTheEvidenceFromOneDraw) {
  EXPECT_TRUE(at::allclose(importance_estimate(log_weights(1, 1.0)), evidence_, 1e-6, 1e-6));
}

TEST_F(LinearGaussian, MoreDrawsFromAnotherPosteriorApproachItFromBelow) {
  const double truth = evidence_.mean().item<double>();
  const double one = importance_estimate(log_weights(1, 2.0)).mean().item<double>();
  const double many = importance_estimate(log_weights(300, 2.0)).mean().item<double>();
  EXPECT_LT(one, truth - 0.05);  // the ELBO: ½(2 − 1 − log 2) = 0.15 below
  EXPECT_NEAR(many, truth, 0.01);
}

}  // namespace
}  // namespace tvae
