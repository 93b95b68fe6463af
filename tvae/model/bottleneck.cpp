#include "tvae/model/bottleneck.h"

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/ops/on_device.h"

namespace tvae {

Registry<BottleneckKind>& bottlenecks() {
  static Registry<BottleneckKind> registry("model.bottleneck");
  return registry;
}

BottleneckTraits bottleneck_traits(const ModelConfig& config) {
  return bottlenecks().find(config.bottleneck).traits(config);
}

void settle_latent_tokens_and_padding(ModelConfig& model) {
  if (!bottleneck_traits(model).codes_are_states) return;
  const int64_t states = encoder_rows(model, model.sequence_length);
  if (model.latent_tokens < 1) model.pad_inputs = true;
  model.latent_tokens = model.latent_tokens < 1 ? states : std::min(model.latent_tokens, states);
}

torch::Tensor first_states(const EncoderStates& encoded, int64_t count) {
  const auto sequences = static_cast<int64_t>(encoded.spans.size());
  torch::Tensor rows = at::empty({sequences * count}, at::kLong);
  int64_t* row = rows.mutable_data_ptr<int64_t>();
  for (const Span& span : encoded.spans) {
    TVAE_ASSERT(span.length >= count, "a sequence has the states the bottleneck needs");
    for (int64_t i = 0; i < count; ++i) *row++ = span.start + i;
  }
  return encoded.states.index_select(0, on_device(rows, encoded.states.device())).view({sequences, count, -1});
}

std::unique_ptr<Bottleneck> make_bottleneck(const Scope& scope, const ModelConfig& config) {
  if (config.latent_tokens < 1 && !bottleneck_traits(config).codes_are_states)
    throw ConfigError("model.latent_tokens", std::to_string(config.latent_tokens),
                      "at least 1; -1, all encoder states, is for bottlenecks whose codes are states: tokens");
  return bottlenecks().find(config.bottleneck).make(scope, config);
}

}  // namespace tvae
