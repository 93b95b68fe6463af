#include "tvae/model/posterior.h"

#include <cmath>
#include <numbers>

#include "tvae/base/assert.h"
#include "tvae/ops/on_device.h"

namespace tvae {

using torch::Tensor;

Posterior::Posterior(Tensor mean, Tensor log_variance)
    : mean_(std::move(mean)), log_variance_(std::move(log_variance)) {}

Posterior Posterior::deterministic(Tensor mode) {
  return {std::move(mode), Tensor()};
}

Posterior Posterior::gaussian(Tensor mean, Tensor log_variance) {
  TVAE_ASSERT(mean.sizes() == log_variance.sizes(), "every dimension has a mean and a variance");
  return {std::move(mean), std::move(log_variance)};
}

Posterior Posterior::of(Tensor mean, std::optional<Tensor> log_variance) {
  return log_variance ? gaussian(std::move(mean), std::move(*log_variance)) : deterministic(std::move(mean));
}

Tensor Posterior::sample(Rng& rng, const BatchShare& share) const {
  if (!has_variance()) return mean_;
  const int64_t own = mean_.size(0);
  const Tensor epsilon = at::randn({share.sequences(own), mean_.size(1), mean_.size(2)}, rng.generator(), at::kFloat)
                             .narrow(0, share.first, own);
  return mean_ + deviation() * on_device(epsilon, mean_.device()).to(mean_.scalar_type());
}

Tensor Posterior::rate() const {
  const Tensor& log_variance = this->log_variance();
  return 0.5 * (mean_.square() + log_variance.exp() - 1.0 - log_variance);
}

Tensor Posterior::log_density(const Tensor& code) const {
  static const double kLogTwoPi = std::log(2.0 * std::numbers::pi);
  const auto flat = [](const Tensor& x) { return x.to(at::kDouble).flatten(1); };
  const Tensor z = flat(code), m = flat(mean_), v = flat(log_variance());
  return -0.5 * ((z - m).square() * (-v).exp() + v + kLogTwoPi).sum(1);
}

const Tensor& Posterior::log_variance() const {
  TVAE_ASSERT(has_variance(), "the posterior is Gaussian");
  return log_variance_;
}

Tensor Posterior::deviation() const {
  return (0.5 * log_variance()).exp();
}

Posterior Posterior::to(torch::ScalarType type) const {
  return {mean_.to(type), has_variance() ? log_variance_.to(type) : Tensor()};
}

Posterior Posterior::narrow(int64_t first, int64_t count) const {
  return {mean_.narrow(0, first, count), has_variance() ? log_variance_.narrow(0, first, count) : Tensor()};
}

}  // namespace tvae
