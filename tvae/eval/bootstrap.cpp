#include "tvae/eval/bootstrap.h"

#include <algorithm>
#include <numeric>

#include "tvae/base/assert.h"
#include "tvae/ops/rng.h"

namespace tvae {
namespace {

constexpr int64_t kResamples = 1000;
constexpr int64_t kOutside = 25;  // of the resamples on each side
constexpr uint64_t kSeed = 1;
constexpr double kNormal95 = 1.959964;  // 97.5% point of N(0, 1)

}  // namespace

nlohmann::ordered_json bootstrap_interval(const torch::Tensor& rows, const StatisticOfSums& statistic) {
  const int64_t n = rows.size(0);
  TVAE_ASSERT(n > 0, "nothing to resample");
  Rng rng(kSeed);
  std::vector<double> figures;
  for (int64_t i = 0; i < kResamples; ++i)
    figures.push_back(statistic(rows.index_select(0, at::randint(n, {n}, rng.generator(), at::kLong)).sum(0)));
  const torch::Tensor sorted = std::get<0>(torch::tensor(figures, at::kDouble).sort());  // takes numbers that are not
  return {sorted[kOutside].item<double>(), sorted[kResamples - 1 - kOutside].item<double>()};
}

nlohmann::ordered_json bootstrap_interval(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  return bootstrap_interval(torch::tensor(values, at::kDouble).unsqueeze(1),
                            [n](const torch::Tensor& sums) { return sums.item<double>() / n; });
}

nlohmann::ordered_json share_interval(const std::vector<double>& shares) {
  const auto [least, most] = std::ranges::minmax(shares);
  const auto n = static_cast<double>(shares.size());
  if (most == 0.0) return {0.0, kNormal95 * kNormal95 / (n + kNormal95 * kNormal95)};
  if (least == 1.0) return {n / (n + kNormal95 * kNormal95), 1.0};
  return bootstrap_interval(shares);
}

void add_figure(nlohmann::ordered_json& section, const std::string& key, const torch::Tensor& rows,
                const StatisticOfSums& statistic) {
  section[key] = statistic(rows.sum(0));
  section[key + "_95"] = bootstrap_interval(rows, statistic);
}

void add_mean(nlohmann::ordered_json& section, const std::string& key, const torch::Tensor& values) {
  const auto n = static_cast<double>(values.size(0));
  add_figure(section, key, values.to(at::kCPU, at::kDouble).unsqueeze(1),
             [n](const torch::Tensor& sums) { return sums.item<double>() / n; });
}

void add_share(nlohmann::ordered_json& section, const std::string& key, const std::vector<double>& shares) {
  section[key] = std::accumulate(shares.begin(), shares.end(), 0.0) / static_cast<double>(shares.size());
  section[key + "_95"] = share_interval(shares);
}

}  // namespace tvae
