#include "tvae/eval/bootstrap.h"

#include <algorithm>

#include "tvae/base/assert.h"

namespace tvae {
namespace {

constexpr int64_t kResamples = 1000;
constexpr int64_t kOutside = 25;  // of the resamples on each side

}  // namespace

nlohmann::ordered_json bootstrap_interval(const torch::Tensor& rows, const StatisticOfSums& statistic, Rng& rng) {
  const int64_t n = rows.size(0);
  TVAE_ASSERT(n > 0, "nothing to resample");
  std::vector<double> figures;
  for (int64_t i = 0; i < kResamples; ++i)
    figures.push_back(statistic(rows.index_select(0, at::randint(n, {n}, rng.generator(), at::kLong)).sum(0)));
  std::sort(figures.begin(), figures.end());
  return {figures[kOutside], figures[kResamples - 1 - kOutside]};
}

nlohmann::ordered_json bootstrap_interval(const std::vector<double>& values, Rng& rng) {
  const auto n = static_cast<double>(values.size());
  return bootstrap_interval(
      torch::tensor(values, at::kDouble).unsqueeze(1),
      [n](const torch::Tensor& sums) { return sums.item<double>() / n; }, rng);
}

}  // namespace tvae
