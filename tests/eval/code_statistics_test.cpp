#include "tvae/eval/code_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kCodes = 1000, kDimensions = 16;

Tensor gaussian_codes(uint64_t seed = 1) {
  Rng rng(seed);
  return at::randn({kCodes, kDimensions}, rng.generator(), at::kDouble);
}

double floor_of_noise() {
  Rng rng(9);
  return mmd_noise_floor(kCodes, kDimensions, rng);
}

double mmd(const Tensor& codes) {
  Rng rng(7);
  return mmd_to_normal(codes, rng);
}

TEST(CodeStatistics, GaussianCodes) {
  const Tensor codes = gaussian_codes();
  EXPECT_EQ(active_units(codes), kDimensions);
  EXPECT_GT(effective_rank(codes), 15.8);
  EXPECT_LE(effective_rank(codes), 16.0);
  EXPECT_LT(std::abs(mmd(codes)), 4 * floor_of_noise());
  const Moments dimension = moments(codes);
  EXPECT_NEAR(dimension.skew.abs().max().item<double>(), 0.0, 0.35);  // √(6/1000) = 0.08 for each of 16
  EXPECT_NEAR(dimension.kurtosis.mean().item<double>(), 3.0, 0.2);
}

TEST(CodeStatistics, CollapsedCodes) {
  const Tensor codes = torch::zeros({kCodes, kDimensions});
  EXPECT_EQ(active_units(codes), 0);
  EXPECT_EQ(effective_rank(codes), 0.0);
  EXPECT_GT(mmd(codes), 100 * floor_of_noise());
  const Moments dimension = moments(codes);
  EXPECT_TRUE(dimension.kurtosis.eq(0).all().item<bool>());
  EXPECT_TRUE(standardise(codes).eq(0).all().item<bool>());
}

TEST(CodeStatistics, CodesOnALineHaveRankOne) {
  const Tensor codes = gaussian_codes().narrow(1, 0, 1) * torch::ones({1, kDimensions});
  EXPECT_NEAR(effective_rank(codes), 1.0, 1e-6);
  EXPECT_EQ(active_units(codes), kDimensions);
  Tensor one_unit = torch::zeros({kCodes, kDimensions});
  one_unit.select(1, 3).copy_(gaussian_codes().select(1, 0));
  EXPECT_EQ(active_units(one_unit), 1);
}

TEST(CodeStatistics, SaturatedCodesShowInTheKurtosis) {
  const Tensor codes = gaussian_codes().sign();
  EXPECT_NEAR(moments(codes).kurtosis.mean().item<double>(), 1.0, 0.01);
  EXPECT_LT(mmd(codes), 0.05);  // hardly visible to the kernel
}

TEST(CodeStatistics, MmdSeesAShiftAndNarrowCodes) {
  EXPECT_GT(mmd(gaussian_codes() + 1.0), 20 * floor_of_noise());
  EXPECT_GT(mmd(gaussian_codes() * 0.3), 20 * floor_of_noise());
  EXPECT_LT(std::abs(mmd(standardise(gaussian_codes() * 0.3 + 1.0))), 4 * floor_of_noise());
}

TEST(CodeStatistics, KlToNormalIsTheClosedForm) {
  const Tensor zeros = torch::zeros({1, 1, 2});
  EXPECT_DOUBLE_EQ(kl_to_normal(zeros, zeros)[0].item<double>(), 0.0);
  EXPECT_DOUBLE_EQ(kl_to_normal(torch::ones({1, 1, 2}), zeros)[0].item<double>(), 1.0);
  EXPECT_NEAR(kl_to_normal(zeros, torch::full({1, 1, 2}, std::log(4.0), at::kDouble))[0].item<double>(),
              3.0 - std::log(4.0), 1e-12);
}

}  // namespace
}  // namespace tvae
