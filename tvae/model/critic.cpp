#include "tvae/model/critic.h"

#include "tvae/base/assert.h"

namespace tvae {
namespace {

ModelConfig critic_config(ModelConfig config) {
  config.funnel.block_sizes = config.critic_block_sizes;
  config.funnel.block_repeats.clear();
  return config;
}

}  // namespace

Critic::Critic(const Scope& scope, const ModelConfig& config)
    : encoder_(scope / "encoder", critic_config(config)), output_(Linear::with_bias(scope / "fc", config.d_model, 1)) {}

torch::Tensor Critic::operator()(const torch::Tensor& states, const Spans& spans, const std::string& score,
                                 const ForwardContext& context) const {
  const EncoderStates encoded = encoder_.forward(states, spans, spans, context);
  torch::Tensor raw = output_(encoded.states).squeeze(1);
  if (at::isReducedFloatingType(raw.scalar_type()))
    raw = raw.to(at::kFloat);  // means of bf16 numbers have three digits
  const torch::Tensor judged = score == "mean_no_act" ? raw : 0.5 * at::sigmoid(raw);
  std::vector<torch::Tensor> scores;
  for (const Span& span : encoded.spans)
    scores.push_back(score == "cls" ? judged[span.start] : judged.narrow(0, span.start, span.length).mean());
  return at::stack(scores);
}

}  // namespace tvae
