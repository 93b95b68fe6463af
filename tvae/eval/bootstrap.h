// Confidence intervals by resampling what was measured (Efron 1979). A report holds that of FIGURE as FIGURE_95.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tvae/ops/torch.h"

namespace tvae {

/// A figure as a function of the sums [c] of the units' numbers.
using StatisticOfSums = std::function<double(const torch::Tensor& sums)>;

/// [low, high]: the middle 95% of the figure over 1,000 samples with replacement of the units' rows [N, c], N > 0.
/// The samples are the same in every call: an interval takes nothing from the draws that are measured.
nlohmann::ordered_json bootstrap_interval(const torch::Tensor& rows, const StatisticOfSums& statistic);

/// The same for a mean over units.
nlohmann::ordered_json bootstrap_interval(const std::vector<double>& values);

/// The same for a mean of numbers in 0..1. Where all of them are 0 or all are 1, resampling sees no spread: then the
/// far end is Wilson's (1927).
nlohmann::ordered_json share_interval(const std::vector<double>& shares);

/// Adds "key", a figure, and its interval, "key_95", to a section of a report.
void add_figure(nlohmann::ordered_json& section, const std::string& key, const torch::Tensor& rows,
                const StatisticOfSums& statistic);
/// The same for a mean over units, given their numbers [N], and for a mean of numbers in 0..1.
void add_mean(nlohmann::ordered_json& section, const std::string& key, const torch::Tensor& values);
void add_share(nlohmann::ordered_json& section, const std::string& key, const std::vector<double>& shares);

}  // namespace tvae
