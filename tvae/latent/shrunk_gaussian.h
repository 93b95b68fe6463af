// One Gaussian fitted to codes, of which every fitted prior starts, and the codes that fits are judged by.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// L⁻¹ columns for a lower triangular L [d, d].
torch::Tensor lower_solve(const torch::Tensor& factor, const torch::Tensor& columns);

/// N(mean, factor factorᵀ) over d numbers, fp64.
struct ShrunkGaussian {
  torch::Tensor mean;    // [d]
  torch::Tensor factor;  // [d, d] lower triangular
  /// factor⁻¹ (x − mean) of rows [N, d].
  torch::Tensor whiten(const torch::Tensor& x) const;
  /// mean + factor w of rows [N, d].
  torch::Tensor colour(const torch::Tensor& white) const;
};

/// Mean and shrunk covariance of rows [N, d]. Shrinkage is the oracle-approximating one (Chen et al. 2010) on the
/// correlations, so that a dimension which hardly varies stays so.
ShrunkGaussian fit_shrunk_gaussian(const torch::Tensor& x);

/// Throws DataError for fewer codes [N, K, D] than a prior needs.
void require_enough_codes(const torch::Tensor& codes);

struct CodeSplit {
  torch::Tensor train, held_out;  // [., K·D] fp64
};
/// Nine tenths and one tenth of codes [N, K, D], drawn by the seed. Throws DataError for too few; warns where they are
/// few for a covariance.
CodeSplit split_codes(const torch::Tensor& codes, uint64_t seed);

}  // namespace tvae
