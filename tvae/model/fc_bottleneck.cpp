// T5-VAE (2020): a fixed number of positions, fully connected; parity with LatentEncoderLargeTanh_1kLatent and
// LatentDecoderLargeT5NormFF (systems.md 1.2).
#include <cmath>

#include "tvae/base/error.h"
#include "tvae/model/bottleneck.h"
#include "tvae/ops/rms_norm.h"

namespace tvae {
namespace {

constexpr int64_t kShrunk = 100;       // width of a position on the way in and out
constexpr int64_t kShrunkLatent = 10;  // and in the first decoding layer

class FcBottleneck : public Bottleneck {
 public:
  FcBottleneck(const Scope& scope, const ModelConfig& config)
      : length_(config.sequence_length), epsilon_(config.layer_norm_epsilon) {
    if (config.latent_tokens != 1)
      throw ConfigError("model.latent_tokens", std::to_string(config.latent_tokens), "1 with the fc bottleneck");
    const Scope encoder = scope / "encoder", decoder = scope / "decoder";
    shrink_tokens_ = Linear::with_bias(encoder / "shrink_tokens", config.d_model, kShrunk);
    shrink_sequence_ = Linear::with_bias(encoder / "shrink_sequence", kShrunk * length_, config.latent_size);
    decode_latent_ = Linear::with_bias(decoder / "decode_latent", config.latent_size, kShrunkLatent * length_);
    grow_sequence_ = Linear::with_bias(decoder / "grow_sequence", kShrunkLatent * length_, kShrunk * length_);
    grow_tokens_ = Linear::with_bias(decoder / "grow_tokens", kShrunk, config.d_model);
    feed_forward_ = feed_forward(decoder / "norm" / "DenseReluDense", config);
    norm_ = (decoder / "norm" / "layer_norm").add("weight", {config.d_model}, Init::constant(1.0));
  }

  int64_t padded_length(int64_t length) const override { return length_; }

  Posterior encode(const EncoderStates& encoded, const ForwardContext& context) const override {
    const torch::Tensor shrunk = shrink_tokens_(encoded.states).view({-1, kShrunk * length_});
    return {at::tanh(shrink_sequence_(shrunk)).unsqueeze(1), std::nullopt};
  }

  Memory decode(const torch::Tensor& code, const ForwardContext& context) const override {
    const int64_t sequences = code.size(0);
    const torch::Tensor grown = grow_sequence_(decode_latent_(code.flatten(1))).view({sequences * length_, kShrunk});
    const torch::Tensor states = grow_tokens_(grown);
    return {states + feed_forward_(rms_norm(states, norm_, epsilon_), context), equal_spans(sequences, length_), {}};
  }

  std::optional<torch::Tensor> reconstruction_error(const EncoderStates& encoded, const Memory& memory) const override {
    return at::mse_loss(memory.states, encoded.states);
  }

 private:
  /// T5's relu layer without dropout, and with PyTorch's initial weights, because it is made outside of T5.
  static T5FeedForward feed_forward(const Scope& scope, const ModelConfig& config) {
    const auto weight = [&](const char* name, int64_t in, int64_t out) {
      return (scope / name).add("weight", {out, in}, Init::uniform(1.0 / std::sqrt(static_cast<double>(in))));
    };
    T5FeedForward layer;
    layer.wi.weight = weight("wi", config.d_model, config.d_ff);
    layer.wo.weight = weight("wo", config.d_ff, config.d_model);
    return layer;
  }

  int64_t length_;
  double epsilon_;
  Linear shrink_tokens_, shrink_sequence_, decode_latent_, grow_sequence_, grow_tokens_;
  T5FeedForward feed_forward_;
  torch::Tensor norm_;
};

}  // namespace

std::unique_ptr<Bottleneck> make_fc_bottleneck(const Scope& scope, const ModelConfig& config) {
  return std::make_unique<FcBottleneck>(scope, config);
}

}  // namespace tvae
