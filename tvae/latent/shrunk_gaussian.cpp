#include "tvae/latent/shrunk_gaussian.h"

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/ops/rng.h"

namespace tvae {

using torch::Tensor;

namespace {

constexpr int64_t kFewestCodes = 20;
constexpr double kSmallestVariance = 1e-10;

}  // namespace

Tensor lower_solve(const Tensor& factor, const Tensor& columns) {
  return at::linalg_solve_triangular(factor, columns, /*upper=*/false);
}

Tensor ShrunkGaussian::whiten(const Tensor& x) const {
  return lower_solve(factor, (x - mean).t()).t().contiguous();
}

Tensor ShrunkGaussian::colour(const Tensor& white) const {
  return mean + at::mm(white, factor.t());
}

ShrunkGaussian fit_shrunk_gaussian(const Tensor& x) {
  const auto n = static_cast<double>(x.size(0)), d = static_cast<double>(x.size(1));
  const Tensor mean = x.mean(0);
  const Tensor deviation = x.var(0, /*unbiased=*/false).clamp_min(kSmallestVariance).sqrt();
  const Tensor standard = (x - mean) / deviation;
  const Tensor correlation = at::mm(standard.t(), standard) / n;
  const double trace = correlation.diagonal().sum().item<double>(), squares = correlation.square().sum().item<double>();
  const double excess = (n + 1.0 - 2.0 / d) * (squares - trace * trace / d);
  const double shrinkage = excess > 0 ? std::min(1.0, ((1.0 - 2.0 / d) * squares + trace * trace) / excess) : 1.0;
  const Tensor identity = at::eye(x.size(1), x.options());
  const Tensor shrunk = (1.0 - shrinkage) * correlation + shrinkage * identity + 1e-6 * identity;
  const Tensor factor = deviation.unsqueeze(1) * at::linalg_cholesky(shrunk);
  return {mean, factor};
}

void require_enough_codes(const Tensor& codes) {
  if (codes.size(0) < kFewestCodes)
    throw DataError("too few codes to fit a prior", std::to_string(codes.size(0)),
                    "at least " + std::to_string(kFewestCodes));
}

CodeSplit split_codes(const Tensor& codes, uint64_t seed) {
  require_enough_codes(codes);
  const int64_t n = codes.size(0);
  if (n < 2 * codes.size(1) * codes.size(2))
    log_warning("only " + std::to_string(n) + " codes of " + std::to_string(codes.size(1) * codes.size(2)) +
                " dimensions: the prior's covariance is mostly its diagonal");
  const Tensor x = codes.to(at::kCPU, at::kDouble).flatten(1);
  Rng rng(seed);
  const Tensor order = at::randperm(n, rng.generator(), at::kLong);
  const int64_t held_out = n / 10;
  return {x.index_select(0, order.narrow(0, held_out, n - held_out)), x.index_select(0, order.narrow(0, 0, held_out))};
}

}  // namespace tvae
