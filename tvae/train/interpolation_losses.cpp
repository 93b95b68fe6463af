#include "tvae/train/interpolation_losses.h"

#include "tvae/base/error.h"
#include "tvae/latent/paths.h"
#include "tvae/model/generate.h"
#include "tvae/nn/batch_spans.h"
#include "tvae/ops/on_device.h"
#include "tvae/ops/twice_differentiable.h"

namespace tvae {

using torch::Tensor;

namespace {

constexpr double kLargestRatio = 0.5;      // beyond, the partner is the nearer one
constexpr double kSmallestSquare = 1e-30;  // of a slope

/// In at least fp32: losses and figures are sums, of which bf16 would keep three digits.
Tensor wide(const Tensor& x) {
  return at::isReducedFloatingType(x.scalar_type()) ? x.to(at::kFloat) : x;
}

/// Mean over codes of 1 − cos, each of the K codes by itself.
Tensor cosine_distance(const Tensor& a, const Tensor& b) {
  return (1.0 - at::cosine_similarity(wide(a), wide(b), /*dim=*/-1)).mean();
}

/// What the codes decode to, as a batch whose row i is code rows[i].
TokenBatch decoded_batch(const TransformerVae& vae, const Tensor& codes) {
  GenerationOptions options;
  options.max_tokens = vae.config().sequence_length;
  std::vector<std::vector<int32_t>> sequences;
  for (Generated& output : generate(vae, codes, options)) {
    if (output.finished || output.ids.empty()) output.ids.push_back(static_cast<int32_t>(vae.config().eos_token_id));
    sequences.push_back(std::move(output.ids));
  }
  return make_token_batch(sequences);
}

Spans spans_of_lengths(const Tensor& lengths) {
  std::vector<LengthGroup> groups;
  for (int64_t b = 0; b < lengths.size(0); ++b) groups.push_back({lengths[b].item<int64_t>(), 1});
  return spans_of(groups);
}

}  // namespace

InterpolationLosses::InterpolationLosses(const LossConfig& loss, const ModelConfig& model) : loss_(loss) {
  if (loss.critic.score != "none" && model.critic_block_sizes.empty())
    throw ConfigError("loss.critic.score needs a critic", "", "", "add model.critic_block_sizes=2_2_2");
}

bool InterpolationLosses::any() const {
  return loss_.critic.score != "none" || loss_.cycle_weight > 0 || loss_.vae_cycle_weight > 0 ||
         loss_.smoothness != "none";
}

InterpolationLosses::Result InterpolationLosses::operator()(const TransformerVae& vae, const ForwardResult& forward,
                                                            const Spans& spans, const TrainingPosition& position,
                                                            const ForwardContext& context) {
  if (!any()) return {};
  Tensor lengths = at::empty({static_cast<int64_t>(spans.size())}, at::kLong);
  for (size_t b = 0; b < spans.size(); ++b) lengths.mutable_data_ptr<int64_t>()[b] = spans[b].length;
  const bool critic = loss_.critic.score != "none";
  remembered_.push_back(
      {forward.code.detach(), critic ? forward.decoder_states.detach() : Tensor(), std::move(lengths)});
  if (position.step == 0 || position.step % loss_.interpolation_every != 0) return {};

  std::vector<Tensor> all_codes, all_states, all_lengths;
  for (const Remembered& batch : remembered_) {
    const torch::Device device = forward.code.device();  // a checkpoint's are on the CPU
    all_codes.push_back(on_device(batch.codes, device));
    if (critic) all_states.push_back(on_device(batch.states, device));
    all_lengths.push_back(batch.lengths);
  }
  remembered_.clear();
  const Tensor codes = at::cat(all_codes);
  const auto count = codes.size(0);
  const double share = 1.0 / static_cast<double>(count);

  Result result;
  const auto add = [&](const std::string& name, const Tensor& value) {
    result.loss = result.loss.defined() ? result.loss + value : value;
    result.metrics[name] = step_metric(value);
  };
  const Tensor uniform = on_device(at::rand({count}, context.rng->generator(), at::kFloat), codes.device());
  const Tensor ratios = kLargestRatio - (uniform - kLargestRatio).abs();
  const Tensor moved = slerp(codes, codes.flip(0), ratios.view({-1, 1, 1}).to(codes.scalar_type()));
  if (loss_.vae_cycle_weight > 0) {
    const EncoderStates memory = vae.bottleneck().states_of_code(moved, context);
    const Tensor again = vae.bottleneck().encode(memory, context).mode();
    add("vae_cycle", cosine_distance(again, moved) * (loss_.vae_cycle_weight * share));
  }
  if (loss_.cycle_weight <= 0 && !critic && loss_.smoothness == "none") return result;

  const TokenBatch batch = decoded_batch(vae, moved);
  const TokenStream stream = to_stream(batch, vae.device());
  const Tensor rows = on_device(torch::tensor(batch.rows, at::kLong), codes.device());
  const Tensor start = moved.index_select(0, rows), ratio = ratios.index_select(0, rows);
  if (loss_.cycle_weight > 0 || critic) {
    const Tensor states = vae.decoder_states(stream, vae.decode_latent(start, context), 0.0, context);
    if (loss_.cycle_weight > 0) {
      const Tensor again =
          vae.bottleneck().encode(vae.encode_embeddings(states, stream.spans, context), context).mode();
      add("cycle", cosine_distance(again, start) * (loss_.cycle_weight * share));
    }
    if (critic) {
      if (position.step >= loss_.critic.min_steps) {
        // The critic judges and does not learn from this: only the states' gradient is taken.
        const Tensor leaf = states.detach().requires_grad_(true);
        const Tensor score = (*vae.heads().critic)(leaf, stream.spans, loss_.critic.score, context).mean() *
                             (loss_.critic.weight * share);
        const Tensor gradient = torch::autograd::grad({score}, {leaf})[0];
        const Tensor through_states = (wide(states) * wide(gradient)).sum();
        add("critic_on_model", through_states + (score - through_states).detach());
      }
      const Tensor real = (*vae.heads().critic)(at::cat(all_states), spans_of_lengths(at::cat(all_lengths)),
                                                loss_.critic.score, context);
      const Tensor between = (*vae.heads().critic)(states.detach(), stream.spans, loss_.critic.score, context);
      add("critic", (real.square().mean() + at::mse_loss(between, ratio.to(between))) * (0.5 * share));
    }
  }
  if (loss_.smoothness != "none")
    add("smoothness", smoothness(vae, stream, codes.index_select(0, rows), context) * loss_.smoothness_weight);
  return result;
}

Tensor InterpolationLosses::smoothness(const TransformerVae& vae, const TokenStream& batch, const Tensor& codes,
                                       const ForwardContext& context) const {
  const TwiceDifferentiable stock_operations;
  const Tensor uniform =
      on_device(at::rand({codes.size(0), 1, 1}, context.rng->generator(), at::kFloat), codes.device()).to(codes);
  const Tensor ratios = (kLargestRatio * uniform).requires_grad_(true);
  const Tensor moved = slerp(codes, codes.roll(-1, 0), ratios);
  const Tensor states = vae.decoder_states(batch, vae.decode_latent(moved, context), 0.0, context);
  Tensor scalar;
  if (loss_.smoothness == "cosine") {
    const Tensor unit = wide(states) / at::linalg_vector_norm(wide(states), 2, {-1}, /*keepdim=*/true).clamp_min(1e-8);
    scalar = (unit * at::randn(unit.sizes(), context.rng->generator(), at::kFloat).to(unit)).sum();
  } else {
    const Tensor logits = wide(vae.decoder().logits(states));
    scalar = loss_.smoothness == "logits" ? at::linalg_vector_norm(logits) : logits.mean();
  }
  const Tensor slope =
      wide(torch::autograd::grad({scalar}, {ratios}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0]);
  if (loss_.smoothness == "logits_mean") return slope.mean();
  if (loss_.smoothness == "logits") return at::linalg_vector_norm(slope);
  // A path between equal codes has no slope, where the root has no derivative.
  return slope.square().mean().clamp_min(kSmallestSquare).sqrt();
}

TensorMap InterpolationLosses::state() const {
  TensorMap saved;
  for (size_t i = 0; i < remembered_.size(); ++i) {
    const std::string prefix = "interpolation/" + std::to_string(i) + "/";
    saved[prefix + "codes"] = remembered_[i].codes.clone();
    if (remembered_[i].states.defined()) saved[prefix + "states"] = remembered_[i].states.clone();
    saved[prefix + "lengths"] = remembered_[i].lengths.clone();
  }
  return saved;
}

void InterpolationLosses::load_state(const TensorMap& saved) {
  remembered_.clear();
  for (size_t i = 0;; ++i) {
    const std::string prefix = "interpolation/" + std::to_string(i) + "/";
    const auto codes = saved.find(prefix + "codes"), states = saved.find(prefix + "states"),
               lengths = saved.find(prefix + "lengths");
    if (codes == saved.end() || lengths == saved.end()) return;
    remembered_.push_back({codes->second.clone(), states == saved.end() ? Tensor() : states->second.clone(),
                           lengths->second.to(at::kCPU).clone()});
  }
}

}  // namespace tvae
