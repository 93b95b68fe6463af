#include "tvae/latent/moves.h"

#include <cmath>

#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/latent/paths.h"

namespace tvae {
namespace {

using torch::Tensor;

std::vector<double> shares(const std::vector<double>& weights, size_t parents) {
  if (weights.empty()) return std::vector<double>(parents, 1.0 / static_cast<double>(parents));
  double sum = 0.0;
  for (const double weight : weights) {
    if (!(weight >= 0.0) || !std::isfinite(weight))
      throw ConfigError("a weight of a mix", std::to_string(weight), "at least 0");
    sum += weight;
  }
  if (weights.size() != parents || !(sum > 0.0))
    throw ConfigError("weights of a mix", std::to_string(weights.size()) + " for " + std::to_string(parents) + " texts",
                      "one a text, one of them above 0");
  std::vector<double> result;
  for (const double weight : weights) result.push_back(weight / sum);
  return result;
}

void require_parents(const Tensor& parents) {
  if (parents.size(0) == 0) throw ConfigError("texts to mix", "none", "at least one");
}

}  // namespace

Tensor path_codes(const Tensor& places, const std::string& path, const std::vector<double>& ratios) {
  const PathFunction& between = paths().find(path);
  const int64_t legs = places.size(0) - 1;
  if (legs < 1) throw ConfigError("places of a path", std::to_string(legs + 1), "at least 2");
  std::vector<Tensor> codes;
  for (const double ratio : ratios) {
    if (!(ratio >= 0.0 && ratio <= static_cast<double>(legs)))
      throw ConfigError("a ratio of a path through " + counted(static_cast<size_t>(legs + 1), "place"),
                        std::to_string(ratio), "0 to " + std::to_string(legs));
    const int64_t leg = std::min(static_cast<int64_t>(ratio), legs - 1);
    const Tensor within = torch::tensor({ratio - static_cast<double>(leg)}, at::kDouble);
    codes.push_back(between(places[leg], places[leg + 1], within));
  }
  return at::cat(codes);
}

Tensor moved_codes(const Tensor& code, const Tensor& step, const std::vector<double>& strengths) {
  return code + torch::tensor(strengths, at::kFloat).view({-1, 1, 1}) * step;
}

Tensor mixed_code(const Tensor& parents, const std::vector<double>& weights) {
  require_parents(parents);
  const Tensor share = torch::tensor(shares(weights, static_cast<size_t>(parents.size(0))), at::kDouble);
  const Tensor codes = parents.to(at::kDouble);
  const Tensor mean = (share.view({-1, 1, 1}) * codes).sum(0);
  const Tensor length = (share * codes.flatten(1).norm(2, 1)).sum();
  return (mean * (length / mean.norm().clamp_min(1e-12))).to(at::kFloat);
}

Tensor token_mixed_code(const Tensor& parents, const std::vector<std::vector<double>>& weights) {
  require_parents(parents);
  if (static_cast<int64_t>(weights.size()) != parents.size(1))
    throw ConfigError("weights of latent tokens", "those of " + std::to_string(weights.size()),
                      "of all " + std::to_string(parents.size(1)));
  std::vector<Tensor> tokens;
  for (int64_t token = 0; token < parents.size(1); ++token)
    tokens.push_back(mixed_code(parents.narrow(1, token, 1), weights[static_cast<size_t>(token)]));
  return at::cat(tokens);
}

}  // namespace tvae
