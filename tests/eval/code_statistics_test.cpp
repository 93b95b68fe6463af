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

TEST(CodeStatistics, PrincipalComponentsOfAPlane) {
  const Tensor coordinates = gaussian_codes().narrow(1, 0, 2) * torch::tensor({3.0, 1.0}, at::kDouble);
  const Tensor basis = std::get<0>(at::linalg_qr(gaussian_codes(2).narrow(0, 0, kDimensions).narrow(1, 0, 2)));
  const PrincipalComponents found = principal_components(at::mm(coordinates, basis.t()) + 5.0);
  EXPECT_NEAR(found.variance.sum().item<double>(), 1.0, 1e-12);
  EXPECT_NEAR(found.variance[0].item<double>(), 0.9, 0.02);  // 9 / (9 + 1), from 1000 draws
  // Distances within the plane stay as they are.
  EXPECT_TRUE(at::allclose(at::pdist(found.coordinates), at::pdist(coordinates), 1e-9, 1e-9));
  EXPECT_GT(found.coordinates.select(1, 0).max().item<double>(), -found.coordinates.select(1, 0).min().item<double>());
}

TEST(CodeStatistics, PrincipalComponentsThatAreNotThere) {
  const PrincipalComponents collapsed = principal_components(torch::ones({5, 3}));
  EXPECT_TRUE(collapsed.coordinates.eq(0).all().item<bool>());
  EXPECT_TRUE(collapsed.variance.eq(0).all().item<bool>());
  const PrincipalComponents line = principal_components(torch::tensor({{1.0}, {2.0}, {6.0}}));
  EXPECT_TRUE(at::allclose(line.coordinates.select(1, 0), torch::tensor({-2.0, -1.0, 3.0}, at::kDouble)));
  EXPECT_TRUE(line.coordinates.select(1, 1).eq(0).all().item<bool>());
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

}  // namespace
}  // namespace tvae
