// A number read from codes by a linear function: a property of texts, fitted by ridge regression, or the logit of a
// direction.
#pragma once

#include <cstdint>
#include <optional>

#include "tvae/ops/torch.h"

namespace tvae {

/// Where codes lie: mean and standard deviation of each number of them. The deviation is 0 where a number does not
/// vary.
struct CodeScale {
  torch::Tensor mean, deviation;  // [K, D] fp64

  /// Codes [N, K, D] in deviations from the mean: [N, K·D] fp64, 0 where nothing varies. Differentiable.
  torch::Tensor standardise(const torch::Tensor& codes) const;
};
/// Throws CheckpointError when all codes are the same: a model that collapsed has nothing to fit to.
CodeScale measure_codes(const torch::Tensor& codes);

struct LinearProperty {
  CodeScale scale;
  torch::Tensor weights;   // [K·D] fp64: its change for one standard deviation of each number of a code
  double intercept = 0.0;  // its value at the mean of the codes

  /// Codes [N, K, D] → [N], fp64. Differentiable.
  torch::Tensor value(const torch::Tensor& codes) const;
};

/// Rows in random order, of which the first fifth (one at least) is held out.
struct HeldOutSplit {
  torch::Tensor held_out, train;  // indices
};
HeldOutSplit split_rows(int64_t rows, uint64_t seed);

/// How well a property is predicted for codes that it was not fitted to. A figure that is undefined, because the
/// numbers or the predictions are all equal, is absent.
struct PropertyScore {
  int64_t train_rows = 0, held_out_rows = 0;
  std::optional<double> r2, spearman;
};
struct PropertyFit {
  LinearProperty property;  // fitted to all rows
  PropertyScore score;      // of a fit to four fifths of them, on the others
};
constexpr int64_t kFewestPropertyRows = 20;
/// Ridge regression of `values` [N] on standardised codes [N, K, D]. The penalty is the best of several by the error of
/// leaving one row out. Throws DataError: fewer rows than kFewestPropertyRows, equal values; and as measure_codes.
PropertyFit fit_property(const torch::Tensor& codes, const torch::Tensor& values, uint64_t seed);

/// Spearman's rank correlation of a [N] and b [N], ties sharing their mean rank; absent where either does not vary.
std::optional<double> spearman(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace tvae
