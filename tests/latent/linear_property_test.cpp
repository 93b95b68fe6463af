#include "tvae/latent/linear_property.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tvae/base/error.h"
#include "tvae/ops/rng.h"

namespace tvae {
namespace {

using torch::Tensor;

/// N Gaussian codes [N, 2, 4] with deviations 1 to 8 around 3.
Tensor gaussian_codes(int64_t n, uint64_t seed) {
  Rng rng(seed);
  return 3.0 + at::randn({n, 2, 4}, rng.generator(), at::kFloat) * at::arange(1, 9).view({2, 4});
}

TEST(LinearProperty, StandardisedCodesHaveMeanZeroAndDeviationOne) {
  Tensor codes = gaussian_codes(200, 1);
  codes.select(1, 1).select(1, 2).fill_(0.5);
  const Tensor standard = measure_codes(codes).standardise(codes);
  EXPECT_LT(standard.mean(0).abs().max().item<double>(), 1e-9);
  const Tensor deviation = standard.std(0, /*unbiased=*/false);
  EXPECT_EQ(deviation[6].item<double>(), 0.0) << "what does not vary is 0";
  EXPECT_NEAR(deviation.sum().item<double>(), 7.0, 1e-9);
}

TEST(LinearProperty, CodesThatDoNotVaryAreACollapsedModel) {
  EXPECT_THROW(measure_codes(at::full({30, 2, 4}, 0.7f)), CheckpointError);
  EXPECT_THROW(fit_property(at::full({30, 2, 4}, 0.7f), at::arange(30), 1), CheckpointError);
  const Tensor rounding = at::full({30, 2, 4}, 0.7f) + 1e-7 * at::arange(30).view({30, 1, 1}) / 30;
  EXPECT_THROW(measure_codes(rounding), CheckpointError);
}

TEST(LinearProperty, AnExactPropertyIsFoundWhateverTheScaleOfTheCodes) {
  const Tensor codes = gaussian_codes(400, 1);
  const Tensor truth = at::linspace(-1.0, 1.0, 8, at::kDouble);
  const auto property_of = [&](const Tensor& z) { return 100.0 + at::mv(z.to(at::kDouble).flatten(1), truth); };
  const PropertyFit fit = fit_property(codes, property_of(codes), 3);
  EXPECT_EQ(fit.score.held_out_rows, 80);
  EXPECT_EQ(fit.score.train_rows, 320);
  EXPECT_GT(*fit.score.r2, 0.999);
  EXPECT_GT(*fit.score.spearman, 0.999);
  const Tensor fresh = gaussian_codes(100, 2), expected = property_of(fresh);
  // The smallest penalty is a thousandth of the rows, which shrinks by as much.
  EXPECT_LT((fit.property.value(fresh) - expected).abs().max().item<double>(),
            0.005 * (expected - 100.0).abs().max().item<double>());
}

TEST(LinearProperty, NoiseIsNotLearned) {
  Rng rng(5);
  const Tensor codes = at::randn({100, 16, 4}, rng.generator(), at::kFloat);
  const Tensor noise = at::randn({100}, rng.generator(), at::kDouble);
  const PropertyFit fit = fit_property(codes, noise, 1);
  // Least squares on 80 rows of 64 numbers would predict far worse than the mean does.
  EXPECT_GT(*fit.score.r2, -0.5);
  EXPECT_LT(*fit.score.r2, 0.3);
}

TEST(LinearProperty, WhatCannotBeFittedIsRefusedAndWhatIsUndefinedAbsent) {
  const Tensor codes = gaussian_codes(30, 1);
  EXPECT_THROW(fit_property(codes.narrow(0, 0, 10), at::arange(10), 1), DataError);
  EXPECT_THROW(fit_property(codes, at::full({30}, 2.5), 1), DataError);
  for (const double no_number : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Tensor values = at::arange(30, at::kDouble);
    values[4] = no_number;
    EXPECT_THROW(fit_property(codes, values, 1), DataError);
  }
  Tensor one_other = at::zeros({30}, at::kDouble);
  one_other[split_rows(30, 1).train[0].item<int64_t>()] = 1.0;
  const PropertyFit fit = fit_property(codes, one_other, 1);
  EXPECT_FALSE(fit.score.r2.has_value());
  EXPECT_FALSE(fit.score.spearman.has_value());
}

TEST(LinearProperty, SpearmanIsTheCorrelationOfRanks) {
  const Tensor a = torch::tensor({1.0, 2.0, 3.0, 4.0});
  EXPECT_NEAR(*spearman(a, a.exp()), 1.0, 1e-12);
  EXPECT_NEAR(*spearman(a, -a), -1.0, 1e-12);
  // scipy.stats.spearmanr([1, 2, 3, 4], [1, 3, 3, 2]): ranks 1, 3.5, 3.5, 2.
  EXPECT_NEAR(*spearman(a, torch::tensor({1.0, 3.0, 3.0, 2.0})), 0.316227766016838, 1e-12);
  EXPECT_FALSE(spearman(a, at::ones({4}, at::kDouble)).has_value());
}

TEST(LinearProperty, ASplitHoldsOutAFifthAndLosesNothing) {
  const HeldOutSplit split = split_rows(23, 9);
  EXPECT_EQ(split.held_out.numel(), 4);
  EXPECT_TRUE(std::get<0>(at::cat({split.held_out, split.train}).sort()).equal(at::arange(23)));
  EXPECT_TRUE(split.held_out.equal(split_rows(23, 9).held_out));
}

}  // namespace
}  // namespace tvae
