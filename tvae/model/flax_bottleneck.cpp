// T5-VAE Flax (2021): a dense layer on every position, the first N positions are the code; parity with the
// reimplementation in tools/make_fixtures.py.
#include "tvae/model/bottleneck.h"

namespace tvae {
namespace {

constexpr double kFlaxLayerNormEpsilon = 1e-6;

class FlaxBottleneck : public Bottleneck {
 public:
  FlaxBottleneck(const Scope& scope, const ModelConfig& config)
      : latent_tokens_(config.latent_tokens), d_model_(config.d_model) {
    // Flax's LeCun normal: variance 1/fan_in, biases 0.
    token_to_latent_ = dense(scope / "encoder" / "token_to_latent", config.d_model, config.latent_size);
    latent_to_token_ = dense(scope / "decoder" / "latent_to_token", config.latent_size, config.d_model);
    const Scope norm = scope / "decoder" / "norm";
    norm_weight_ = norm.vector("weight", {config.d_model}, Init::constant(1.0));
    norm_bias_ = norm.vector("bias", {config.d_model}, Init::constant(0.0));
  }

  int64_t states_needed() const override { return latent_tokens_; }

  Posterior encode(const EncoderStates& encoded, const ForwardContext& context) const override {
    return Posterior::deterministic(at::tanh(token_to_latent_(first_states(encoded, latent_tokens_))));
  }

  Memory decode(const torch::Tensor& code, const ForwardContext& context) const override {
    const int64_t sequences = code.size(0), tokens = code.size(1);
    const torch::Tensor states = latent_to_token_(code.reshape({sequences * tokens, code.size(2)}));
    return {at::layer_norm(states, {d_model_}, norm_weight_, norm_bias_, kFlaxLayerNormEpsilon),
            equal_spans(sequences, tokens),
            {}};
  }

 private:
  static Linear dense(const Scope& scope, int64_t in, int64_t out) {
    return {scope, in, out, Init::normal(1.0 / std::sqrt(static_cast<double>(in))), Init::constant(0.0)};
  }

  int64_t latent_tokens_;
  int64_t d_model_;
  Linear token_to_latent_, latent_to_token_;
  torch::Tensor norm_weight_, norm_bias_;
};

std::unique_ptr<Bottleneck> make(const Scope& scope, const ModelConfig& config) {
  return std::make_unique<FlaxBottleneck>(scope, config);
}

const Register<BottleneckKind> registered(
    bottlenecks(),
    {"flax", "a dense layer on every position, the first of them are the code (T5-VAE Flax, 2021)", {make}});

}  // namespace
}  // namespace tvae
