// Ours: K learned queries read the encoder's states by cross-attention (Perceiver pooling, Jaegle et al. 2021); linear
// mean and log-variance; the code is the decoder's memory and, projected, is added to its inputs (evaluation.md 8).
#include "tvae/model/bottleneck.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/rms_norm.h"

namespace tvae {
namespace {

constexpr double kInitialLogVariance = -4.0;  // a code that starts nearly noiseless learns to reconstruct first

struct PoolingLayer {
  torch::Tensor attention_norm, feed_forward_norm;
  T5Attention attention;
  T5FeedForward feed_forward;
};

class QueriesBottleneck : public Bottleneck {
 public:
  QueriesBottleneck(const Scope& scope, const ModelConfig& config)
      : latent_tokens_(config.latent_tokens),
        latent_size_(config.latent_size),
        dropout_(config.dropout),
        epsilon_(config.layer_norm_epsilon),
        gaussian_(config.posterior == "gaussian"),
        inject_(config.inject_latent) {
    const int64_t d = config.d_model;
    const Scope encoder = scope / "encoder", decoder = scope / "decoder";
    queries_ = encoder.add("queries", {latent_tokens_, d}, Init::normal(1.0));
    for (int64_t i = 0; i < config.pooling_layers; ++i) {
      const Scope layer = encoder / "layer" / std::to_string(i);
      PoolingLayer pooling;
      pooling.attention_norm = (layer / "attention_norm").add("weight", {d}, Init::constant(1.0));
      pooling.attention = T5Attention(layer / "attention", config);
      pooling.feed_forward_norm = (layer / "feed_forward_norm").add("weight", {d}, Init::constant(1.0));
      pooling.feed_forward = T5FeedForward(layer / "feed_forward", config);
      layers_.push_back(std::move(pooling));
    }
    final_norm_ = (encoder / "final_norm").add("weight", {d}, Init::constant(1.0));
    mean_ = Linear::with_bias(encoder / "mean", d, latent_size_);
    if (gaussian_) {
      log_variance_.weight = (encoder / "log_variance").add("weight", {latent_size_, d}, Init::constant(0.0));
      log_variance_.bias = (encoder / "log_variance").add("bias", {latent_size_}, Init::constant(kInitialLogVariance));
    }
    latent_to_token_ = Linear::with_bias(decoder / "latent_to_token", latent_size_, d);
    positions_ = decoder.add("positions", {latent_tokens_, d}, Init::normal(1.0));
    memory_norm_ = (decoder / "norm").add("weight", {d}, Init::constant(1.0));
    if (inject_) latent_to_input_ = Linear::with_bias(decoder / "latent_to_input", latent_tokens_ * latent_size_, d);
  }

  Posterior encode(const EncoderStates& encoded, const ForwardContext& context) const override {
    const auto sequences = static_cast<int64_t>(encoded.tokens.size());
    const Spans rows = equal_spans(sequences, latent_tokens_);
    const double p = context.rate(dropout_);
    torch::Tensor hidden = queries_.repeat({sequences, 1});
    for (const PoolingLayer& layer : layers_) {
      AttentionOptions options;
      options.dropout = p;
      options.dropout_key = context.key();
      const torch::Tensor read = layer.attention(rms_norm(hidden, layer.attention_norm, epsilon_), encoded.states, {},
                                                 rows, encoded.tokens, options);
      hidden = dropout_add(read, hidden, p, context.key());
      hidden = dropout_add(layer.feed_forward(rms_norm(hidden, layer.feed_forward_norm, epsilon_), context), hidden, p,
                           context.key());
    }
    hidden = rms_norm(hidden, final_norm_, epsilon_);
    const auto shape = [&](const torch::Tensor& x) { return x.view({sequences, latent_tokens_, latent_size_}); };
    Posterior posterior{shape(mean_(hidden)), std::nullopt};
    if (gaussian_) posterior.log_variance = shape(log_variance_(hidden)).clamp(-20.0, 4.0);
    return posterior;
  }

  Memory decode(const torch::Tensor& code, const ForwardContext& context) const override {
    const int64_t sequences = code.size(0);
    const torch::Tensor states =
        (latent_to_token_(code) + positions_).view({sequences * latent_tokens_, positions_.size(1)});
    Memory memory{rms_norm(states, memory_norm_, epsilon_), equal_spans(sequences, latent_tokens_), {}};
    if (inject_) memory.input_embedding = latent_to_input_(code.flatten(1));
    return memory;
  }

 private:
  int64_t latent_tokens_, latent_size_;
  double dropout_, epsilon_;
  bool gaussian_, inject_;
  torch::Tensor queries_, final_norm_, positions_, memory_norm_;
  std::vector<PoolingLayer> layers_;
  Linear mean_, log_variance_, latent_to_token_, latent_to_input_;
};

}  // namespace

std::unique_ptr<Bottleneck> make_queries_bottleneck(const Scope& scope, const ModelConfig& config) {
  return std::make_unique<QueriesBottleneck>(scope, config);
}

}  // namespace tvae
