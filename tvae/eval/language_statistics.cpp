#include "tvae/eval/language_statistics.h"

#include <cmath>
#include <numbers>

#include "tvae/model/posterior.h"
#include "tvae/nn/batch_spans.h"

namespace tvae {

using torch::Tensor;

namespace {

const double kLogTwoPi = std::log(2.0 * std::numbers::pi);

}  // namespace

Tensor sequence_sums(const Tensor& values, const Spans& spans) {
  return at::zeros({static_cast<int64_t>(spans.size())}, at::kDouble)
      .index_add_(0, sequence_of_row(spans, values.size(0)), values.to(at::kCPU, at::kDouble));
}

Tensor gaussian_log_density(const Tensor& codes, const Tensor& means, const Tensor& log_variances) {
  return Posterior::gaussian(means, log_variances).log_density(codes);
}

Tensor aggregated_log_density(const Tensor& codes, const Tensor& means, const Tensor& log_variances) {
  const Tensor z = codes.to(at::kDouble), m = means.to(at::kDouble), v = log_variances.to(at::kDouble);
  const Tensor precision = (-v).exp();
  // Σ_d (z − m)² / σ² of every code under every posterior, as three products.
  const Tensor distance =
      at::mm(z.square(), precision.t()) - 2.0 * at::mm(z, (m * precision).t()) + (m.square() * precision).sum(1);
  const Tensor log_densities = -0.5 * (distance + (v + kLogTwoPi).sum(1));
  return log_densities.logsumexp(1) - std::log(static_cast<double>(m.size(0)));
}

double mutual_information(const Tensor& codes, const Tensor& means, const Tensor& log_variances) {
  return (gaussian_log_density(codes, means, log_variances) - aggregated_log_density(codes, means, log_variances))
      .mean()
      .item<double>();
}

Tensor importance_estimate(const Tensor& log_weights) {
  return log_weights.to(at::kDouble).logsumexp(1) - std::log(static_cast<double>(log_weights.size(1)));
}

}  // namespace tvae
