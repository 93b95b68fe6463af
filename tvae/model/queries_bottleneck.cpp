// Ours: K learned queries read the encoder's states by cross-attention (Perceiver pooling, Jaegle et al. 2021); linear
// mean and log-variance; the code is the decoder's memory and, projected, is added to its inputs (both ways of OPTIMUS,
// Li et al. 2020).
#include "tvae/model/bottleneck.h"
#include "tvae/nn/t5.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/rms_norm.h"

namespace tvae {
namespace {

constexpr double kInitialLogVariance = -4.0;  // a code that starts nearly noiseless learns to reconstruct first

/// Attention and feed-forward, each behind a norm and beside a residual.
struct Layer {
  torch::Tensor attention_norm;
  T5Attention attention;
  torch::Tensor feed_forward_norm;
  T5FeedForward feed_forward;

  Layer(const Scope& scope, const ModelConfig& config)
      : attention_norm((scope / "attention_norm").vector("weight", {config.d_model}, Init::constant(1.0))),
        attention(scope / "attention", config),
        feed_forward_norm((scope / "feed_forward_norm").vector("weight", {config.d_model}, Init::constant(1.0))),
        feed_forward(scope / "feed_forward", config),
        dropout_(config.dropout),
        epsilon_(config.layer_norm_epsilon) {}

  /// hidden [rows, d] reads `states`, or itself where they are not given: [rows, d].
  /// `pairs_before`: of a row and a state of its sequence, in the processes before this one.
  torch::Tensor operator()(const torch::Tensor& hidden, const torch::Tensor& states, const Spans& rows,
                           const Spans& state_spans, int64_t pairs_before, const ForwardContext& context) const {
    const double p = context.rate(dropout_);
    AttentionOptions options;
    options.dropout = p;
    options.dropout_key = context.key().key;
    options.dropout_first = pairs_before * attention.num_heads;
    const torch::Tensor normed = rms_norm(hidden, attention_norm, epsilon_);
    const torch::Tensor read = attention(normed, states.defined() ? states : normed, {}, rows, state_spans, options);
    const torch::Tensor sum = dropout_add(read, hidden, p, context.key());
    return dropout_add(feed_forward(rms_norm(sum, feed_forward_norm, epsilon_), context), sum, p, context.key());
  }

 private:
  double dropout_, epsilon_;
};

class QueriesBottleneck : public Bottleneck {
 public:
  QueriesBottleneck(const Scope& scope, const ModelConfig& config)
      : latent_tokens_(config.latent_tokens),
        latent_size_(config.latent_size),
        epsilon_(config.layer_norm_epsilon),
        gaussian_(config.posterior == "gaussian"),
        inject_(config.inject_latent) {
    const int64_t d = config.d_model;
    const Scope encoder = scope / "encoder", decoder = scope / "decoder";
    queries_ = encoder.table("queries", {latent_tokens_, d}, Init::normal(1.0));
    for (int64_t i = 0; i < config.queries_bottleneck.pooling_layers; ++i)
      pooling_layers_.emplace_back(encoder / "layer" / std::to_string(i), config);
    final_norm_ = (encoder / "final_norm").vector("weight", {d}, Init::constant(1.0));
    mean_ = Linear::with_bias(encoder / "mean", d, latent_size_);
    if (gaussian_)
      log_variance_ =
          Linear(encoder / "log_variance", d, latent_size_, Init::constant(0.0), Init::constant(kInitialLogVariance));
    latent_to_token_ = Linear::with_bias(decoder / "latent_to_token", latent_size_, d);
    positions_ = decoder.table("positions", {latent_tokens_, d}, Init::normal(1.0));
    for (int64_t i = 0; i < config.queries_bottleneck.latent_layers; ++i)
      latent_layers_.emplace_back(decoder / "layer" / std::to_string(i), config);
    memory_norm_ = (decoder / "norm").vector("weight", {d}, Init::constant(1.0));
    if (inject_) latent_to_input_ = Linear::with_bias(decoder / "latent_to_input", latent_tokens_ * latent_size_, d);
  }

  Posterior encode(const EncoderStates& encoded, const ForwardContext& given) const override {
    const ForwardContext context = given.with_rows_a_sequence(latent_tokens_);
    const auto sequences = static_cast<int64_t>(encoded.token_spans.size());
    const Spans rows = equal_spans(sequences, latent_tokens_);
    torch::Tensor hidden = queries_.repeat({sequences, 1});
    for (const Layer& layer : pooling_layers_)
      hidden = layer(hidden, encoded.states, rows, encoded.token_spans, latent_tokens_ * given.rows_before, context);
    hidden = rms_norm(hidden, final_norm_, epsilon_);
    const auto shape = [&](const torch::Tensor& x) { return x.view({sequences, latent_tokens_, latent_size_}); };
    if (!gaussian_) return Posterior::deterministic(shape(mean_(hidden)));
    const torch::Tensor mean = shape(mean_(hidden));
    return Posterior::gaussian(mean, shape(log_variance_(hidden)).clamp(-20.0, 4.0));
  }

  Memory decode(const torch::Tensor& code, const ForwardContext& given) const override {
    const ForwardContext context = given.with_rows_a_sequence(latent_tokens_);
    const int64_t sequences = code.size(0);
    const Spans rows = equal_spans(sequences, latent_tokens_);
    torch::Tensor hidden = (latent_to_token_(code) + positions_).view({sequences * latent_tokens_, positions_.size(1)});
    for (const Layer& layer : latent_layers_)
      hidden = layer(hidden, {}, rows, rows, latent_tokens_ * context.rows_before, context);
    Memory memory{rms_norm(hidden, memory_norm_, epsilon_), rows, {}};
    if (inject_) memory.input_embedding = latent_to_input_(code.flatten(1));
    return memory;
  }

 private:
  int64_t latent_tokens_, latent_size_;
  double epsilon_;
  bool gaussian_, inject_;
  torch::Tensor queries_, final_norm_, positions_, memory_norm_;
  std::vector<Layer> pooling_layers_, latent_layers_;
  Linear mean_, log_variance_, latent_to_token_, latent_to_input_;
};

BottleneckTraits traits(const ModelConfig& config) {
  return {.has_variance = config.posterior == "gaussian"};
}

std::unique_ptr<Bottleneck> make(const Scope& scope, const ModelConfig& config) {
  return std::make_unique<QueriesBottleneck>(scope, config);
}

const Register<BottleneckKind> registered(
    bottlenecks(), {"queries", "learned queries read the encoder states; the code is Gaussian", {make, traits}});

}  // namespace
}  // namespace tvae
