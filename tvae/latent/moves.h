// Codes made of codes: what lies on paths, beside texts and between parents.
#pragma once

#include <string>
#include <vector>

#include "tvae/ops/torch.h"

namespace tvae {

/// The path through places [P, K, D] in order, at ratios [R]: 0 is the first place, 1 the second, P - 1 the last one.
/// `path` is of paths(). Throws ConfigError: fewer than two places, an unknown path, a ratio outside.
torch::Tensor path_codes(const torch::Tensor& places, const std::string& path, const std::vector<double>& ratios);

/// code [K, D] + each strength · step [K, D]: [strengths, K, D].
torch::Tensor moved_codes(const torch::Tensor& code, const torch::Tensor& step, const std::vector<double>& strengths);

/// The weighted mean [K, D] of parents [P, K, D], as long as they are on (weighted) average, so that it is as likely as
/// they are: of two with equal weights it is the midpoint of slerp. Weights are divided by their sum; empty = equal
/// ones. Throws ConfigError for other numbers of weights, negative ones, or none above 0.
torch::Tensor mixed_code(const torch::Tensor& parents, const std::vector<double>& weights = {});
/// The same for each of the K codes by itself, with weights of its own: [K][P].
torch::Tensor token_mixed_code(const torch::Tensor& parents, const std::vector<std::vector<double>>& weights);

}  // namespace tvae
