// T5's relu feed-forward layer as the published latent decoders use it: x + FF(RMSNorm(x)), without dropout, and with
// PyTorch's initial weights, because there it is made outside of T5.
#pragma once

#include <cmath>

#include "tvae/nn/t5.h"
#include "tvae/ops/rms_norm.h"

namespace tvae {

struct LatentFeedForward {
  T5FeedForward feed_forward;
  torch::Tensor norm;  // [d]
  double epsilon = 1e-6;

  LatentFeedForward() = default;
  LatentFeedForward(const Scope& scope, const ModelConfig& config) : epsilon(config.layer_norm_epsilon) {
    const auto linear = [&](const char* name, int64_t in, int64_t out) {
      const auto init = Init::uniform(1.0 / std::sqrt(static_cast<double>(in)));
      return Linear(scope / "DenseReluDense" / name, in, out, init);
    };
    feed_forward.wi = linear("wi", config.d_model, config.d_ff);
    feed_forward.wo = linear("wo", config.d_ff, config.d_model);
    norm = (scope / "layer_norm").vector("weight", {config.d_model}, Init::constant(1.0));
  }

  torch::Tensor operator()(const torch::Tensor& states, const ForwardContext& context) const {
    return states + feed_forward(rms_norm(states, norm, epsilon), context);
  }
};

}  // namespace tvae
