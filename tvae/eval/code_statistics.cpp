#include "tvae/eval/code_statistics.h"

#include <cmath>

#include "tvae/ops/mmd.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr double kActiveVariance = 0.01;
constexpr double kConstantVariance = 1e-12;
constexpr int kNoiseDraws = 10;

Tensor normal_draws(int64_t n, int64_t dimensions, Rng& rng) {
  return at::randn({n, dimensions}, rng.generator(), at::kDouble);
}

}  // namespace

int64_t active_units(const Tensor& means) {
  return (means.to(at::kDouble).var(0, /*unbiased=*/false) > kActiveVariance).sum().item<int64_t>();
}

double effective_rank(const Tensor& codes) {
  const Tensor x = codes.to(at::kDouble);
  const Tensor centred = x - x.mean(0);
  const Tensor values =
      at::linalg_eigvalsh(at::mm(centred.t(), centred) / static_cast<double>(x.size(0))).clamp_min(0.0);
  const double trace = values.sum().item<double>();
  if (trace <= kConstantVariance) return 0.0;
  const Tensor shares = values / trace;
  return std::exp(-at::xlogy(shares, shares).sum().item<double>());
}

PrincipalComponents principal_components(const Tensor& codes) {
  const Tensor x = codes.to(at::kDouble);
  const auto [rows, sizes, axes] = at::linalg_svd(x - x.mean(0), /*full_matrices=*/false);
  const int64_t found = std::min<int64_t>(2, sizes.size(0));
  const Tensor on_axes = (rows * sizes).narrow(1, 0, found);
  const Tensor farthest = on_axes.gather(0, on_axes.abs().argmax(0, /*keepdim=*/true));
  PrincipalComponents components{at::zeros({x.size(0), 2}, at::kDouble), at::zeros({2}, at::kDouble)};
  components.coordinates.narrow(1, 0, found).copy_(on_axes * farthest.sign());
  const Tensor squares = sizes.square();
  if (squares.sum().item<double>() > 0.0)
    components.variance.narrow(0, 0, found).copy_(squares.narrow(0, 0, found) / squares.sum());
  return components;
}

Moments moments(const Tensor& codes) {
  const Tensor x = codes.to(at::kDouble);
  const Tensor standard = standardise(x);
  return {x.mean(0), x.std(0, /*unbiased=*/false), standard.pow(3).mean(0), standard.pow(4).mean(0)};
}

Tensor standardise(const Tensor& codes) {
  const Tensor x = codes.to(at::kDouble);
  const Tensor variance = x.var(0, /*unbiased=*/false);
  return at::where(variance > kConstantVariance, (x - x.mean(0)) / variance.clamp_min(kConstantVariance).sqrt(),
                   at::zeros_like(x));
}

double mmd_to_normal(const Tensor& codes, Rng& rng) {
  return multiquadric_mmd(codes.to(at::kDouble), normal_draws(codes.size(0), codes.size(1), rng)).item<double>();
}

double mmd_noise_floor(int64_t n, int64_t dimensions, Rng& rng) {
  double squares = 0.0;
  for (int draw = 0; draw < kNoiseDraws; ++draw)
    squares += std::pow(mmd_to_normal(normal_draws(n, dimensions, rng), rng), 2);
  return std::sqrt(squares / kNoiseDraws);
}

}  // namespace tvae
