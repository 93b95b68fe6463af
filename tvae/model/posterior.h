// The distribution of a code given its sequence.
#pragma once

#include <optional>

#include "tvae/nn/batch_share.h"
#include "tvae/ops/rng.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// Of the codes [B, K, D] of B sequences: a point each, or a Gaussian with independent dimensions.
class Posterior {
 public:
  static Posterior deterministic(torch::Tensor mode);
  static Posterior gaussian(torch::Tensor mean, torch::Tensor log_variance);
  /// A Gaussian where there is a log variance.
  static Posterior of(torch::Tensor mean, std::optional<torch::Tensor> log_variance);

  bool has_variance() const { return log_variance_.defined(); }

  /// The likeliest code, which is the mean: [B, K, D].
  const torch::Tensor& mode() const { return mean_; }
  /// A code drawn as μ + σ ε, so that gradients reach both (Kingma & Welling 2014): [B, K, D]. ε is drawn in fp32 on
  /// the CPU. A deterministic one draws nothing and gives its mode.
  torch::Tensor sample(Rng& rng, const BatchShare& share = {}) const;

  // The others are of Gaussians alone.

  /// KL(N(μ, σ²) ‖ N(0, I)) of each dimension, in nats: [B, K, D].
  torch::Tensor rate() const;
  /// Natural logarithm of the density of one code a sequence, [B, K, D] → [B], fp64.
  torch::Tensor log_density(const torch::Tensor& code) const;
  /// ln σ² and σ: [B, K, D].
  const torch::Tensor& log_variance() const;
  torch::Tensor deviation() const;

  Posterior to(torch::ScalarType type) const;
  /// Those of `count` sequences from `first` on.
  Posterior narrow(int64_t first, int64_t count) const;

 private:
  Posterior(torch::Tensor mean, torch::Tensor log_variance);

  torch::Tensor mean_;
  torch::Tensor log_variance_;  // undefined of deterministic ones
};

}  // namespace tvae
