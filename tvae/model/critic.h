// The critic of the 2021 system: judges from decoder states how far along a path between two codes they were decoded
// (adversarially constrained interpolation, Berthelot et al. 2019).
#pragma once

#include "tvae/nn/funnel.h"

namespace tvae {

class Critic {
 public:
  /// A Funnel encoder on states of the decoder's width, and one output.
  Critic(const Scope& scope, const ModelConfig& config);

  /// states [T, d], one span a sequence → [B], in at least fp32, the guessed ratio: 0 = decoded from a code itself, 0.5
  /// = half-way. `score`: cls = σ/2 of the first state, mean = the mean of σ/2, mean_no_act = the mean without σ.
  torch::Tensor operator()(const torch::Tensor& states, const Spans& spans, const std::string& score,
                           const ForwardContext& context) const;

 private:
  FunnelEncoder encoder_;
  Linear output_;
};

}  // namespace tvae
