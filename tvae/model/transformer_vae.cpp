#include "tvae/model/transformer_vae.h"

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/on_device.h"

namespace tvae {

using torch::Tensor;

namespace {

/// Labels shifted right within each sequence, the start id first.
Tensor shift_right(const Tensor& ids, const Spans& spans, int64_t start_id) {
  Tensor shifted = at::empty_like(ids);
  shifted.narrow(0, 1, ids.size(0) - 1).copy_(ids.narrow(0, 0, ids.size(0) - 1));
  Tensor starts = at::empty({static_cast<int64_t>(spans.size())}, at::kLong);
  for (size_t b = 0; b < spans.size(); ++b) starts.data_ptr<int64_t>()[b] = spans[b].start;
  return shifted.index_fill_(0, on_device(starts, ids.device()), start_id);
}

}  // namespace

TransformerVae::TransformerVae(const ModelConfig& config, Rng& rng, torch::Device device)
    : TransformerVae(config, std::make_unique<Parameters>(rng, device)) {}

TransformerVae::TransformerVae(const ModelConfig& config, WeightMap weights, const std::string& source)
    : TransformerVae(config, std::make_unique<Parameters>(std::move(weights), source)) {
  parameters_->require_all_asked_for();
}

TransformerVae::TransformerVae(const ModelConfig& config, std::unique_ptr<Parameters> parameters)
    : config_(config), parameters_(std::move(parameters)) {
  if (config.vocab_size < 4) throw ConfigError("model.vocab_size", std::to_string(config.vocab_size), "at least 4");
  const Scope root(*parameters_);
  shared_ = Embedding(root / "shared", config.vocab_size, config.d_model, Init::normal(config.initializer_factor));
  encoder_ = make_encoder(root / "encoder", config);
  encoder_weights_ = (root / "encoder").weights();
  bottleneck_ = make_bottleneck(root / "vae", config);
  decoder_ = make_decoder(root / "decoder", config, shared_);
  if (!config.critic_block_sizes.empty()) heads_.critic.emplace(root / "vae" / "critic", config);
  if (config.bag_of_words) heads_.bag_of_words.emplace(root / "vae" / "bag_of_words", config);
  decoder_->make_output(root);
}

ForwardResult TransformerVae::forward(const TokenStream& batch, const NoiseLevels& noise,
                                      const ForwardContext& given) const {
  ForwardResult result;
  const ForwardContext context = given.laid_out(given.share.whole, given.share.whole);
  const Tensor noisy =
      replace_tokens(batch.ids, noise.encoder_token_mask, noise.encoder_token_random, config_, context);
  result.encoded = encoder_states(noisy, batch.spans, context);
  result.posterior = bottleneck_->encode(result.encoded, context);
  result.code = context.training ? result.posterior.sample(*context.rng, context.share) : result.posterior.mode();
  const Tensor mixed =
      context.training && noise.latent_mix > 0 ? mixed_codes(result.code, noise.latent_mix, context) : result.code;
  const Tensor decoded =
      dropout(mixed, context.rate(noise.latent_dropout), context.with_rows_a_sequence(config_.latent_tokens).key());
  result.memory = bottleneck_->decode(decoded, context);
  result.decoder_states = decoder_states(batch, result.memory, noise.decoder_token_mask, context);
  result.reconstruction = decoder_->cross_entropy(result.decoder_states, batch.ids);
  return result;
}

EncoderStates TransformerVae::encoder_states(const Tensor& ids, const Spans& spans,
                                             const ForwardContext& context) const {
  return encode_embeddings(shared_(ids), spans, context);
}

Spans TransformerVae::padded(const Spans& spans) const {
  Spans all;
  int64_t rows = 0;
  for (const Span& span : spans) {
    int64_t length = config_.pad_inputs ? config_.sequence_length : span.length;
    TVAE_ASSERT(length >= span.length, "no sequence is longer than the model takes");
    while (encoder_->rows(length) < bottleneck_->states_needed()) ++length;
    all.push_back({rows, length});
    rows += length;
  }
  return all;
}

EncoderStates TransformerVae::encode_embeddings(const Tensor& embeddings, const Spans& spans,
                                                const ForwardContext& given) const {
  const Spans padded_spans = padded(spans);
  const ForwardContext context = given.laid_out(padded(given.share.whole), given.share.whole);
  Spans token_spans;
  for (size_t b = 0; b < spans.size(); ++b) token_spans.push_back({padded_spans[b].start, spans[b].length});
  const int64_t rows = spans.empty() ? 0 : padded_spans.back().start + padded_spans.back().length;
  Tensor input = embeddings;
  if (rows != embeddings.size(0)) {  // published systems: pads take part as queries, never as keys
    Tensor positions = at::empty({embeddings.size(0)}, at::kLong);
    int64_t* out = positions.data_ptr<int64_t>();
    for (const Span& span : token_spans)
      for (int64_t i = 0; i < span.length; ++i) *out++ = span.start + i;
    const auto ids = at::TensorOptions(at::kLong).device(embeddings.device());
    input = shared_(at::full({rows}, config_.pad_token_id, ids))
                .index_copy(0, on_device(positions, ids.device()), embeddings);
  }
  if (!context.recompute.encoder) return encoder_->forward(input, padded_spans, token_spans, context);
  const auto encoded = std::make_shared<EncoderStates>();
  const ForwardPart part = [&encoder = *encoder_, encoded, padded_spans, token_spans](
                               const std::vector<Tensor>& inputs, const ForwardContext& part_context) {
    const EncoderStates result = encoder.forward(inputs[0], padded_spans, token_spans, part_context);
    encoded->spans = result.spans;
    encoded->token_spans = result.token_spans;
    return result.states;
  };
  const Tensor states = recomputed(part, {input}, encoder_weights_, context);
  return {states, encoded->spans, encoded->token_spans};
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
  return decoder_->forward(replace_tokens(shifted, decoder_token_mask, 0.0, config_, context), batch.spans, memory,
                           context);
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
