// What several sections of the protocol look at: outputs on paths between held-out texts, and of codes that were drawn.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tvae/latent/codec.h"

namespace tvae {

class Evaluation;

/// Outputs at the ratios 0.1 … 0.9 of paths between the codes of random pairs of different held-out texts.
struct DecodedPaths {
  static constexpr int64_t kInterior = 9;          // outputs a path
  std::vector<std::pair<int64_t, int64_t>> pairs;  // indices of held-out texts; empty where fewer than two differ
  torch::Tensor codes = {};                        // [pairs · kInterior, K, D]
  std::vector<std::string> texts = {};             // one a code
};
DecodedPaths decode_paths(Evaluation& evaluation, Rng& rng);

/// Outputs of codes that a prior gave.
struct DecodedDraws {
  std::string prior;         // "normal", N(0, I); "fitted", the model's own; "scaled", with other deviations
  torch::Tensor codes = {};  // [samples, K, D]
  std::vector<Generated> outputs = {};
  std::vector<std::string> texts = {};
  torch::Tensor held_out_log_density = {};  // "fitted": of the codes of the held-out texts, in nats: [N]
};
std::vector<DecodedDraws> decode_draws(Evaluation& evaluation, Rng& rng);

}  // namespace tvae
