// T5-VAE (2020): a fixed number of positions, fully connected; parity with LatentEncoderLargeTanh_1kLatent and
// LatentDecoderLargeT5NormFF (tools/make_fixtures.py has both).
#include "tvae/base/error.h"
#include "tvae/model/bottleneck.h"
#include "tvae/model/latent_feed_forward.h"

namespace tvae {
namespace {

constexpr int64_t kShrunk = 100;       // width of a position on the way in and out
constexpr int64_t kShrunkLatent = 10;  // and in the first decoding layer

class FcBottleneck : public Bottleneck {
 public:
  FcBottleneck(const Scope& scope, const ModelConfig& config) : length_(config.sequence_length) {
    if (config.latent_tokens != 1)
      throw ConfigError("model.latent_tokens", std::to_string(config.latent_tokens), "1 with the fc bottleneck");
    if (config.encoder != "t5") throw ConfigError("model.encoder", config.encoder, "t5 with the fc bottleneck");
    const Scope encoder = scope / "encoder", decoder = scope / "decoder";
    shrink_tokens_ = Linear::with_bias(encoder / "shrink_tokens", config.d_model, kShrunk);
    shrink_sequence_ = Linear::with_bias(encoder / "shrink_sequence", kShrunk * length_, config.latent_size);
    decode_latent_ = Linear::with_bias(decoder / "decode_latent", config.latent_size, kShrunkLatent * length_);
    grow_sequence_ = Linear::with_bias(decoder / "grow_sequence", kShrunkLatent * length_, kShrunk * length_);
    grow_tokens_ = Linear::with_bias(decoder / "grow_tokens", kShrunk, config.d_model);
    feed_forward_ = LatentFeedForward(decoder / "norm", config);
  }

  int64_t states_needed() const override { return length_; }

  Posterior encode(const EncoderStates& encoded, const ForwardContext& context) const override {
    const torch::Tensor shrunk = shrink_tokens_(encoded.states).view({-1, kShrunk * length_});
    return Posterior::deterministic(at::tanh(shrink_sequence_(shrunk)).unsqueeze(1));
  }

  Memory decode(const torch::Tensor& code, const ForwardContext& context) const override {
    const int64_t sequences = code.size(0);
    const torch::Tensor grown = grow_sequence_(decode_latent_(code.flatten(1))).view({sequences * length_, kShrunk});
    return {feed_forward_(grow_tokens_(grown), context), equal_spans(sequences, length_), {}};
  }

  std::optional<torch::Tensor> reconstruction_error(const EncoderStates& encoded, const Memory& memory) const override {
    // In at least fp32: a mean of bf16 numbers would have three digits.
    const auto wide = [](const torch::Tensor& x) {
      return at::isReducedFloatingType(x.scalar_type()) ? x.to(at::kFloat) : x;
    };
    return at::mse_loss(wide(memory.states), wide(encoded.states));
  }

 private:
  int64_t length_;
  Linear shrink_tokens_, shrink_sequence_, decode_latent_, grow_sequence_, grow_tokens_;
  LatentFeedForward feed_forward_;
};

BottleneckTraits traits(const ModelConfig&) {
  return {.fixed_length = true, .rebuilds_states = true};
}

std::unique_ptr<Bottleneck> make(const Scope& scope, const ModelConfig& config) {
  return std::make_unique<FcBottleneck>(scope, config);
}

const Register<BottleneckKind> registered(bottlenecks(), {"fc",
                                                          "a fixed number of positions, fully connected (T5-VAE, 2020)",
                                                          {make, traits}});

}  // namespace
}  // namespace tvae
