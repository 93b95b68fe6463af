// Figures about a set of codes (docs/evaluation.md). Codes are [N, d]: K and D flattened.
#pragma once

#include "tvae/ops/rng.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// #{dimensions whose variance over the data is above 0.01} (Burda et al. 2015).
int64_t active_units(const torch::Tensor& means);

/// exp of the entropy of the covariance's normalised eigenvalues (Roy and Vetterli 2007); 0 when nothing varies.
double effective_rank(const torch::Tensor& codes);

/// The codes on their first two principal axes, and the share of the variance on each. An axis points to its
/// farthest code; one that is not there (a code of one number) has coordinates and variance 0.
struct PrincipalComponents {
  torch::Tensor coordinates;  // [N, 2], fp64
  torch::Tensor variance;     // [2]
};
PrincipalComponents principal_components(const torch::Tensor& codes);

/// Of each dimension, over the data: each [d]. Skewness and kurtosis (3 for a Gaussian) are 0 where nothing varies.
struct Moments {
  torch::Tensor mean, std, skew, kurtosis;
};
Moments moments(const torch::Tensor& codes);

/// Each dimension with mean 0 and variance 1 over the data; dimensions that do not vary become 0.
torch::Tensor standardise(const torch::Tensor& codes);

/// MMD² (multiquadric, unbiased) between the codes and as many draws from N(0, I).
double mmd_to_normal(const torch::Tensor& codes, Rng& rng);
/// What mmd_to_normal gives for n draws from N(0, I) itself: the root mean square over ten draws.
double mmd_noise_floor(int64_t n, int64_t dimensions, Rng& rng);

}  // namespace tvae
