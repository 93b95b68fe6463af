#include "tvae/eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tvae/ops/rng.h"

namespace tvae {
namespace {

TEST(Bootstrap, IntervalOfAMeanIsThatOfTheNormalApproximation) {
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(i < 300);
  const auto interval = bootstrap_interval(values);
  const double half = 1.96 * std::sqrt(0.75 * 0.25 / 400);
  EXPECT_NEAR(interval[0].get<double>(), 0.75 - half, 0.004);
  EXPECT_NEAR(interval[1].get<double>(), 0.75 + half, 0.004);
}

TEST(Bootstrap, IntervalOfARatioFollowsItsUnits) {
  Rng rng(1);
  const torch::Tensor weights = at::rand({300}, rng.generator(), at::kDouble);
  const auto ratio = [](const torch::Tensor& sums) { return sums[0].item<double>() / sums[1].item<double>(); };
  const auto constant = bootstrap_interval(at::stack({2.0 * weights, weights}, 1), ratio);
  EXPECT_NEAR(constant[0].get<double>(), 2.0, 1e-9);
  EXPECT_NEAR(constant[1].get<double>(), 2.0, 1e-9);
  const auto mixed = bootstrap_interval(at::stack({weights, weights.flip(0)}, 1), ratio);
  EXPECT_LT(mixed[0].get<double>(), 1.0);
  EXPECT_GT(mixed[1].get<double>(), 1.0);
}

TEST(Bootstrap, OneUnitHasNoSpread) {
  const auto interval = bootstrap_interval(std::vector<double>{0.5});
  EXPECT_EQ(interval[0], 0.5);
  EXPECT_EQ(interval[1], 0.5);
}

TEST(Bootstrap, NumbersThatAreNotDoNoHarm) {
  const double nan = std::nan("");
  const auto interval = bootstrap_interval({nan, nan, nan});
  EXPECT_TRUE(std::isnan(interval[0].get<double>()));
}

// statsmodels 0.14: proportion_confint(0, 10, method="wilson") is (0, 0.27753).
TEST(Bootstrap, SharesWithoutSpreadGetWilsonsInterval) {
  const auto none = share_interval(std::vector<double>(10, 0.0)), all = share_interval(std::vector<double>(10, 1.0));
  EXPECT_EQ(none[0], 0.0);
  EXPECT_NEAR(none[1].get<double>(), 0.27753, 1e-5);
  EXPECT_NEAR(all[0].get<double>(), 1 - 0.27753, 1e-5);
  EXPECT_EQ(all[1], 1.0);
  const std::vector<double> mixed = {0, 1, 0.5, 1};
  EXPECT_EQ(share_interval(mixed), bootstrap_interval(mixed));
}

TEST(Bootstrap, FiguresAreAddedWithTheirIntervals) {
  nlohmann::ordered_json section;
  add_mean(section, "mean", torch::tensor({1.0f, 2.0f, 6.0f}));
  add_share(section, "share", {0.0, 1.0, 0.5, 1.0});
  add_figure(section, "product", torch::tensor({{1.0, 2.0}, {3.0, 4.0}}, at::kDouble),
             [](const torch::Tensor& sums) { return (sums[0] * sums[1]).item<double>(); });
  EXPECT_EQ(section["mean"], 3.0);
  EXPECT_EQ(section["mean_95"], bootstrap_interval({1.0, 2.0, 6.0}));
  EXPECT_EQ(section["share"], 0.625);
  EXPECT_EQ(section["share_95"], share_interval({0.0, 1.0, 0.5, 1.0}));
  EXPECT_EQ(section["product"], 24.0);
  EXPECT_EQ(section["product_95"], (nlohmann::ordered_json{8.0, 48.0}));  // one row twice, or the other
}

}  // namespace
}  // namespace tvae
