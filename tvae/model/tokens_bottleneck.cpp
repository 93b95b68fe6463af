// Transformer-VAE (2021): a linear layer and tanh on the first encoder states, each one code; parity with
// the reimplementation in tools/make_fixtures.py. The memory is the codes, each repeated as often as the funnel encoder
// shortens the sequence.
#include "tvae/model/bottleneck.h"
#include "tvae/model/latent_feed_forward.h"
#include "tvae/nn/funnel.h"
#include "tvae/ops/on_device.h"

namespace tvae {
namespace {

using torch::Tensor;

class TokensBottleneck : public Bottleneck {
 public:
  TokensBottleneck(const Scope& scope, const ModelConfig& config)
      : latent_tokens_(config.latent_tokens), d_model_(config.d_model), epsilon_(config.funnel.layer_norm_epsilon) {
    const Scope encoder = scope / "encoder", decoder = scope / "decoder";
    token_to_latent_ = Linear::with_bias(encoder / "token_to_latent", config.d_model, config.latent_size);
    if (config.latent_size != config.d_model)
      latent_to_token_ = Linear::with_bias(decoder / "latent_to_token", config.latent_size, config.d_model);
    if (config.tokens_bottleneck.latent_decoder == "t5_norm")
      feed_forward_ = LatentFeedForward(decoder / "norm", config);
    if (config.tokens_bottleneck.latent_decoder == "layer_norm") {
      norm_weight_ = (decoder / "norm").vector("weight", {config.d_model}, Init::constant(1.0));
      norm_bias_ = (decoder / "norm").vector("bias", {config.d_model}, Init::constant(0.0));
    }
    memory_code_ = upsampled(config);
  }

  int64_t states_needed() const override { return latent_tokens_; }

  Posterior encode(const EncoderStates& encoded, const ForwardContext& context) const override {
    return Posterior::deterministic(at::tanh(token_to_latent_(first_states(encoded, latent_tokens_))));
  }

  Memory decode(const Tensor& code, const ForwardContext& context) const override {
    const int64_t sequences = code.size(0), rows = static_cast<int64_t>(memory_code_.size());
    const Tensor states = rebuilt(code, context);
    const Tensor zeros = at::zeros({sequences, 1, d_model_}, states.options().requires_grad(false));
    const Tensor table = at::cat({states, zeros}, 1);
    const Tensor first = at::arange(sequences, at::kLong).unsqueeze(1) * table.size(1);
    const Tensor index = on_device(torch::tensor(memory_code_, at::kLong) + first, states.device());
    // As rows of a table, whose gradients are summed in the same order every time, on a GPU too.
    const Tensor memory = at::embedding(table.flatten(0, 1), index);
    return {memory.reshape({sequences * rows, d_model_}), equal_spans(sequences, rows), {}};
  }

  EncoderStates states_of_code(const Tensor& code, const ForwardContext& context) const override {
    const Spans spans = equal_spans(code.size(0), code.size(1));
    return {rebuilt(code, context).flatten(0, 1), spans, spans};
  }

 private:
  /// [B, K, D] → [B, K, d]
  Tensor rebuilt(const Tensor& code, const ForwardContext& context) const {
    Tensor states = latent_to_token_.defined() ? latent_to_token_(code) : code;
    if (feed_forward_.norm.defined()) states = feed_forward_(states, context);
    if (norm_weight_.defined()) states = at::layer_norm(states, {d_model_}, norm_weight_, norm_bias_, epsilon_);
    return states;
  }

  /// The code that stands in each row of the memory (transformers' Funnel upsample): the first once, the others
  /// repeated, at the end rows of zeros (code K), which attention does not see unless
  /// model.tokens_bottleneck.mask_upsample_tail is off.
  static std::vector<int64_t> upsampled(const ModelConfig& config) {
    const int64_t codes = config.latent_tokens;
    const int64_t stride = config.encoder == "funnel" && !config.tokens_bottleneck.skip_upsample
                               ? int64_t{1} << (parse_block_sizes(config.funnel.block_sizes).size() - 1)
                               : 1;
    std::vector<int64_t> rows;
    const bool apart = config.funnel.separate_cls && stride > 1;
    for (int64_t code = 0; code < codes; ++code) rows.insert(rows.end(), apart && code == 0 ? 1 : stride, code);
    if (apart && config.funnel.truncate_seq && !config.tokens_bottleneck.mask_upsample_tail)
      rows.insert(rows.end(), stride - 1, codes);
    if (stride > 1) rows.resize(std::min<size_t>(rows.size(), static_cast<size_t>(config.sequence_length)));
    return rows;
  }

  int64_t latent_tokens_, d_model_;
  double epsilon_;
  Linear token_to_latent_, latent_to_token_;  // the latter not there where a code is as wide as a state
  LatentFeedForward feed_forward_;            // only with latent_decoder t5_norm
  Tensor norm_weight_, norm_bias_;            // only with latent_decoder layer_norm
  std::vector<int64_t> memory_code_;
};

BottleneckTraits traits(const ModelConfig&) {
  return {.codes_are_states = true};
}

std::unique_ptr<Bottleneck> make(const Scope& scope, const ModelConfig& config) {
  return std::make_unique<TokensBottleneck>(scope, config);
}

const Register<BottleneckKind> registered(
    bottlenecks(), {"tokens", "the first encoder states, each one code (Transformer-VAE, 2021)", {make, traits}});

}  // namespace
}  // namespace tvae
