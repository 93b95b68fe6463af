#include "tvae/model/transformer_vae.h"

#include <cmath>
#include <numbers>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/nn/batch_spans.h"
#include "tvae/ops/dropout.h"

namespace tvae {

using torch::Tensor;

namespace {

/// Row of each sequence for every token: [T], for adding a per-sequence embedding.
Tensor sequence_of_token(const Spans& spans, int64_t tokens) {
  Tensor index = at::empty({tokens}, at::kLong);
  int64_t* out = index.data_ptr<int64_t>();
  for (size_t b = 0; b < spans.size(); ++b) std::fill_n(out + spans[b].start, spans[b].length, static_cast<int64_t>(b));
  return index;
}

/// Labels shifted right within each sequence, the start id first.
Tensor shift_right(const Tensor& ids, const Spans& spans, int64_t start_id) {
  Tensor shifted = at::empty_like(ids);
  shifted.narrow(0, 1, ids.size(0) - 1).copy_(ids.narrow(0, 0, ids.size(0) - 1));
  Tensor starts = at::empty({static_cast<int64_t>(spans.size())}, at::kLong);
  for (size_t b = 0; b < spans.size(); ++b) starts.data_ptr<int64_t>()[b] = spans[b].start;
  return shifted.index_fill_(0, starts.to(ids.device()), start_id);
}

/// Codes [B, K, D], each moved towards another of the batch by a share of the way drawn from [0, most]: along the arc
/// that slerp takes where two codes are as long and at right angles, so that N(0, I) stays N(0, I).
Tensor mixed_codes(const Tensor& codes, double most, Rng& rng) {
  const int64_t sequences = codes.size(0);
  if (sequences < 2) return codes;
  const Tensor share = at::rand({sequences, 1, 1}, rng.generator(), at::kFloat).mul_(most * 0.5 * std::numbers::pi);
  const Tensor others = codes.detach().roll(1 + at::randint(sequences - 1, {1}, rng.generator()).item<int64_t>(), 0);
  return codes * share.cos().to(codes) + others * share.sin().to(codes);
}

}  // namespace

TokenStream to_stream(const TokenBatch& batch, torch::Device device) {
  const Tensor ids = at::from_blob(const_cast<int32_t*>(batch.ids.data()), {batch.tokens()}, at::kInt);
  return {ids.to(at::kLong).to(device), spans_of(batch.groups)};
}

TransformerVae::TransformerVae(const ModelConfig& config, Rng& rng, torch::Device device)
    : TransformerVae(config, std::make_unique<Parameters>(rng, device)) {}

TransformerVae::TransformerVae(const ModelConfig& config, TensorMap weights, const std::string& source)
    : TransformerVae(config, std::make_unique<Parameters>(std::move(weights), source)) {
  parameters_->require_all_asked_for();
}

TransformerVae::TransformerVae(const ModelConfig& config, std::unique_ptr<Parameters> parameters)
    : config_(config), parameters_(std::move(parameters)) {
  if (config.vocab_size < 4) throw ConfigError("model.vocab_size", std::to_string(config.vocab_size), "at least 4");
  const Scope root(*parameters_);
  shared_ =
      (root / "shared").add("weight", {config.vocab_size, config.d_model}, Init::normal(config.initializer_factor));
  encoder_ = make_encoder(root / "encoder", config);
  encoder_weights_ = (root / "encoder").weights();
  bottleneck_ = make_bottleneck(root / "vae", config);
  decoder_ = T5Stack(root / "decoder", config, /*is_decoder=*/true, config.decoder_layers);
  if (!config.critic_block_sizes.empty()) critic_.emplace(root / "vae" / "critic", config);
  if (config.bag_of_words)
    bag_of_words_ =
        Linear::with_bias(root / "vae" / "bag_of_words", config.latent_tokens * config.latent_size, config.vocab_size);
  lm_head_ = config.tie_word_embeddings
                 ? shared_
                 : (root / "lm_head")
                       .add("weight", {config.vocab_size, config.d_model}, Init::normal(config.initializer_factor));
}

ForwardResult TransformerVae::forward(const TokenStream& batch, const NoiseLevels& noise,
                                      const ForwardContext& context) const {
  ForwardResult result;
  const Tensor noisy = replace_tokens(batch.ids, noise.encoder_token_mask, noise.encoder_token_random, context);
  result.encoded = encoder_states(noisy, batch.spans, context);
  result.posterior = bottleneck_->encode(result.encoded, context);
  result.code = result.posterior.mean;
  if (context.training && result.posterior.log_variance) {
    const Tensor epsilon = at::randn(result.code.sizes(), context.rng->generator(), at::kFloat).to(result.code);
    result.code = result.code + (0.5 * *result.posterior.log_variance).exp() * epsilon;
  }
  const Tensor mixed =
      context.training && noise.latent_mix > 0 ? mixed_codes(result.code, noise.latent_mix, *context.rng) : result.code;
  const Tensor decoded = dropout(mixed, context.rate(noise.latent_dropout), context.key());
  result.memory = bottleneck_->decode(decoded, context);
  result.decoder_states = decoder_states(batch, result.memory, noise.decoder_token_mask, context);
  result.reconstruction = cross_entropy(batch, result.decoder_states);
  return result;
}

EncoderStates TransformerVae::encoder_states(const Tensor& ids, const Spans& spans,
                                             const ForwardContext& context) const {
  return encode_embeddings(embed(ids), spans, context);
}

EncoderStates TransformerVae::encode_embeddings(const Tensor& embeddings, const Spans& spans,
                                                const ForwardContext& context) const {
  Spans padded_spans, tokens;
  int64_t rows = 0;
  for (const Span& span : spans) {
    int64_t padded = config_.pad_inputs ? config_.sequence_length : span.length;
    TVAE_ASSERT(padded >= span.length, "no sequence is longer than the model takes");
    while (encoder_->rows(padded) < bottleneck_->states_needed()) ++padded;
    padded_spans.push_back({rows, padded});
    tokens.push_back({rows, span.length});
    rows += padded;
  }
  Tensor input = embeddings;
  if (rows != embeddings.size(0)) {  // published systems: pads take part as queries, never as keys
    Tensor positions = at::empty({embeddings.size(0)}, at::kLong);
    int64_t* out = positions.data_ptr<int64_t>();
    for (const Span& span : tokens)
      for (int64_t i = 0; i < span.length; ++i) *out++ = span.start + i;
    const auto ids = at::TensorOptions(at::kLong).device(embeddings.device());
    input = embed(at::full({rows}, config_.pad_token_id, ids)).index_copy(0, positions.to(ids.device()), embeddings);
  }
  if (!config_.gradient_checkpoint_encoder) return encoder_->forward(input, padded_spans, tokens, context);
  const auto encoded = std::make_shared<EncoderStates>();
  const ForwardPart part = [&encoder = *encoder_, encoded, padded_spans, tokens](const std::vector<Tensor>& inputs,
                                                                                 const ForwardContext& part_context) {
    const EncoderStates result = encoder.forward(inputs[0], padded_spans, tokens, part_context);
    encoded->spans = result.spans;
    encoded->tokens = result.tokens;
    return result.states;
  };
  const Tensor states = recomputed(part, {input}, encoder_weights_, context);
  return {states, encoded->spans, encoded->tokens};
}

Posterior TransformerVae::encode(const TokenStream& batch, const ForwardContext& context) const {
  return bottleneck_->encode(encoder_states(batch.ids, batch.spans, context), context);
}

Memory TransformerVae::decode_latent(const Tensor& code, const ForwardContext& context) const {
  return bottleneck_->decode(code, context);
}

Tensor TransformerVae::decoder_states(const TokenStream& batch, const Memory& memory, double decoder_token_mask,
                                      const ForwardContext& context) const {
  const Tensor shifted = shift_right(batch.ids, batch.spans, config_.decoder_start_token_id);
  Tensor embeddings = embed(replace_tokens(shifted, decoder_token_mask, 0.0, context));
  if (memory.input_embedding.defined())
    embeddings = embeddings + memory.input_embedding.index_select(
                                  0, sequence_of_token(batch.spans, batch.ids.size(0)).to(embeddings.device()));
  return decoder_.forward(embeddings, batch.spans, batch.spans, &memory, context);
}

CrossEntropy TransformerVae::cross_entropy(const TokenStream& batch, const Tensor& decoder_states) const {
  return linear_cross_entropy(decoder_states, lm_head_, batch.ids, {}, logit_scale());
}

Tensor TransformerVae::differentiable_logits(const Tensor& decoder_states) const {
  return at::linear(decoder_states, lm_head_) * logit_scale();
}

double TransformerVae::logit_scale() const {
  return config_.scale_logits ? 1.0 / std::sqrt(static_cast<double>(config_.d_model)) : 1.0;
}

Tensor TransformerVae::bag_of_words(const Tensor& code) const {
  TVAE_ASSERT(bag_of_words_.weight.defined(), "the model has a bag-of-words head");
  return at::log_softmax(bag_of_words_(code.flatten(1)).to(at::kFloat), 1);
}

Tensor TransformerVae::embed(const Tensor& ids) const {
  return at::embedding(shared_, ids);
}

Tensor TransformerVae::logits(const Tensor& states) const {
  return matrix_product(states, lm_head_.t()).mul_(logit_scale());
}

Tensor TransformerVae::replace_tokens(const Tensor& ids, double unknown, double random,
                                      const ForwardContext& context) const {
  if (!context.training || unknown + random <= 0) return ids;
  const Tensor drawn = at::rand(ids.sizes(), context.rng->generator(), at::kFloat).to(ids.device());
  Tensor noisy = at::where(drawn < unknown, at::full_like(ids, config_.unk_token_id), ids);
  if (random > 0) {
    const Tensor any = at::randint(config_.vocab_size, ids.sizes(), context.rng->generator(), at::kLong);
    noisy = at::where((drawn >= unknown).logical_and(drawn < unknown + random), any.to(ids.device()), noisy);
  }
  const Tensor special = (ids == config_.eos_token_id)
                             .logical_or(ids == config_.decoder_start_token_id)
                             .logical_or(ids == config_.unk_token_id);
  return at::where(special, ids, noisy);
}

void load_with_fresh_rows(TransformerVae& vae, TensorMap weights, int64_t old_rows, const std::string& source) {
  const int64_t rows = vae.config().vocab_size;
  for (const NamedParameter& parameter : vae.parameters().list()) {
    const bool row_per_id = parameter.name == "shared.weight" || parameter.name == "lm_head.weight" ||
                            parameter.name.starts_with("vae.bag_of_words.");
    const auto found = weights.find(parameter.name);
    if (!row_per_id || found == weights.end()) continue;
    if (found->second.dim() == 0 || found->second.size(0) != old_rows) continue;  // load() says what is wrong
    const torch::Tensor fresh = parameter.value.detach().narrow(0, old_rows, rows - old_rows).to(found->second);
    found->second = at::cat({found->second, fresh});
  }
  vae.parameters().load(weights, source);
}

}  // namespace tvae
