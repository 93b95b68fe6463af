// Confidence intervals by resampling what was measured (Efron 1979). A report holds that of FIGURE as FIGURE_95.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "tvae/ops/rng.h"

namespace tvae {

/// A figure as a function of the sums [c] of the units' numbers.
using StatisticOfSums = std::function<double(const torch::Tensor& sums)>;

/// [low, high]: the middle 95% of the figure over 1,000 samples with replacement of the units' rows [N, c], N > 0.
nlohmann::ordered_json bootstrap_interval(const torch::Tensor& rows, const StatisticOfSums& statistic, Rng& rng);

/// The same for a mean over units.
nlohmann::ordered_json bootstrap_interval(const std::vector<double>& values, Rng& rng);

}  // namespace tvae
