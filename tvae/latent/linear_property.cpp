#include "tvae/latent/linear_property.h"

#include <algorithm>
#include <array>
#include <limits>

#include "tvae/base/error.h"
#include "tvae/ops/rng.h"

namespace tvae {
namespace {

using torch::Tensor;

/// Below this share of 1 + |mean| a deviation is rounding of fp32.
constexpr double kRounding = 1e-6;
constexpr std::array<double, 6> kPenalties = {1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0};  // times the number of rows

LinearProperty fit_ridge(const Tensor& codes, const Tensor& values) {
  const CodeScale scale = measure_codes(codes);
  const Tensor x = scale.standardise(codes);
  const double mean = values.mean().item<double>();
  const Tensor y = values - mean;
  const auto n = static_cast<double>(x.size(0));
  const auto [curvatures, axes] = at::linalg_eigh(at::mm(x.t(), x));
  const Tensor rotated = at::mm(x, axes), projected = at::mv(rotated.t(), y);
  Tensor weights;
  double least = std::numeric_limits<double>::infinity();
  for (const double penalty : kPenalties) {
    const Tensor shrunk = 1.0 / (curvatures.clamp_min(0.0) + penalty * n);
    const Tensor solution = projected * shrunk;
    // The residual of a row that is left out is its residual over 1 - leverage.
    const Tensor leverage = at::mv(rotated.square(), shrunk) + 1.0 / n;
    const double error = ((y - at::mv(rotated, solution)) / (1.0 - leverage)).square().mean().item<double>();
    if (error >= least) continue;
    least = error;
    weights = at::mv(axes, solution);
  }
  return {scale, weights, mean};
}

/// 1-based, ties sharing their mean.
Tensor ranks(const Tensor& values) {
  const auto [distinct, group, counts] = at::_unique2(values, /*sorted=*/true, /*return_inverse=*/true, true);
  const Tensor last = counts.cumsum(0).to(at::kDouble);
  return (last - 0.5 * (counts.to(at::kDouble) - 1.0)).index_select(0, group);
}

bool varies(const Tensor& values) {
  return values.max().item<double>() > values.min().item<double>();
}

}  // namespace

Tensor CodeScale::standardise(const Tensor& codes) const {
  const Tensor units = at::where(deviation > 0.0, 1.0 / deviation, at::zeros_like(deviation));
  return ((codes.to(at::kCPU, at::kDouble) - mean) * units).flatten(1);
}

CodeScale measure_codes(const Tensor& codes) {
  const Tensor x = codes.to(at::kCPU, at::kDouble);
  const Tensor mean = x.mean(0), deviation = x.std(0, /*unbiased=*/false);
  const Tensor alive = deviation > kRounding * (1.0 + mean.abs());
  if (codes.size(0) < 2) throw DataError("too few codes", std::to_string(codes.size(0)), "at least 2");
  if (!alive.any().item<bool>())
    throw CheckpointError(
        "all " + std::to_string(codes.size(0)) + " texts have the same code", "", "",
        "the model sees no difference: it has collapsed (train it with a larger loss.kl.target or a smaller "
        "loss.regularizer_weight), or the texts differ only beyond its longest length");
  return {mean, at::where(alive, deviation, at::zeros_like(deviation))};
}

Tensor LinearProperty::value(const Tensor& codes) const {
  return at::mv(scale.standardise(codes), weights) + intercept;
}

HeldOutSplit split_rows(int64_t rows, uint64_t seed) {
  Rng rng(seed);
  const Tensor order = at::randperm(rows, rng.generator(), at::kLong);
  const int64_t held_out = std::max<int64_t>(1, rows / 5);
  return {order.narrow(0, 0, held_out), order.narrow(0, held_out, rows - held_out)};
}

PropertyFit fit_property(const Tensor& codes, const Tensor& values, uint64_t seed) {
  const int64_t rows = codes.size(0);
  if (rows < kFewestPropertyRows)
    throw DataError("too few texts to fit a property", std::to_string(rows),
                    "at least " + std::to_string(kFewestPropertyRows));
  const Tensor y = values.to(at::kDouble);
  if (const Tensor finite = y.isfinite(); !finite.all().item<bool>()) {
    const auto row = finite.to(at::kInt).argmin().item<int64_t>();
    throw DataError("the property of text " + std::to_string(row + 1), std::to_string(y[row].item<double>()),
                    "a number");
  }
  if (!varies(y)) throw DataError("the property is the same for all texts", "", "", "there is nothing to climb");
  const HeldOutSplit split = split_rows(rows, seed);
  const LinearProperty part = fit_ridge(codes.index_select(0, split.train), y.index_select(0, split.train));
  const Tensor expected = y.index_select(0, split.held_out);
  const Tensor predicted = part.value(codes.index_select(0, split.held_out));
  PropertyFit fit{fit_ridge(codes, y), {rows - expected.size(0), expected.size(0), {}, spearman(expected, predicted)}};
  if (varies(expected))
    fit.score.r2 =
        1.0 - ((expected - predicted).square().sum() / (expected - expected.mean()).square().sum()).item<double>();
  return fit;
}

std::optional<double> spearman(const Tensor& a, const Tensor& b) {
  if (!varies(a) || !varies(b)) return std::nullopt;
  return at::corrcoef(at::stack({ranks(a), ranks(b)}))[0][1].item<double>();
}

}  // namespace tvae
