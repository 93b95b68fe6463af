#include "tvae/train/objective.h"

#include "tvae/base/error.h"

namespace tvae {

using torch::Tensor;

namespace {

constexpr double kMaskedOfChosen = 0.8;  // of the tokens that denoising chooses (BERT, and the published collator)

/// The rows of all processes, those of this one with their gradients. What is computed of them is the same in every
/// process, and the gradients that the processes' own rows get add up to its gradient.
Tensor with_others(const Tensor& own, const BatchShare& share) {
  if (!share.is_part()) return own;
  const Tensor all = share.gather(own.detach());
  const int64_t end = share.first + own.size(0);
  return at::cat({all.narrow(0, 0, share.first), own, all.narrow(0, end, all.size(0) - end)});
}

Posterior with_others(const Posterior& own, const BatchShare& share) {
  return Posterior::of(with_others(own.mode(), share),
                       own.has_variance() ? std::optional(with_others(own.log_variance(), share)) : std::nullopt);
}

/// Falls linearly from 1 at the start to 0 at share `end` of training.
double decay(const TrainingPosition& position, double end) {
  return end > 0 ? std::max(0.0, 1.0 - position.progress() / end) : 0.0;
}

}  // namespace

Objective::Objective(const LossConfig& loss, const ModelConfig& model, const RecomputeConfig& recompute,
                     Communicator& communicator)
    : loss_(loss),
      recompute_(recompute),
      communicator_(communicator),
      regularizer_(make_regularizer(loss, model)),
      interpolation_(loss, model) {
  if (loss.encoding_reconstruction_weight > 0 && !bottleneck_traits(model).rebuilds_states)
    throw ConfigError("loss.encoding_reconstruction_weight", "model.bottleneck " + model.bottleneck,
                      "a bottleneck that rebuilds encoder states: fc");
  if (loss.bag_of_words.weight > 0 && !model.bag_of_words)
    throw ConfigError("loss.bag_of_words.weight needs the head", "", "", "add model.bag_of_words=true");
}

ObjectiveResult Objective::operator()(const TransformerVae& vae, const TokenStream& batch, const StepSizes& sizes,
                                      const TrainingPosition& position, Rng& rng, const BatchShare& share) {
  const ForwardContext context{/*training=*/true, &rng, recompute_, share};
  const ForwardResult forward = vae.forward(batch, noise_at(position), context);
  const auto own_sequences = static_cast<int64_t>(batch.spans.size());
  const int64_t all_tokens = share.rows(batch.ids.size(0));
  const auto tokens = static_cast<double>(all_tokens);
  const double sequences_share =
      static_cast<double>(own_sequences) / static_cast<double>(share.sequences(own_sequences));
  const bool mean = loss_.reduction == "mean";
  const double per_micro_batch = 1.0 / static_cast<double>(sizes.micro_batches);
  // The mean runs over the tokens of the whole step, so that accumulation gives one large batch's gradient; the 2020
  // sum is divided by the number of micro-batches, as published.
  const double reconstruction_scale = mean ? 1.0 / static_cast<double>(sizes.tokens) : per_micro_batch;

  ObjectiveResult result;
  result.loss = forward.reconstruction.loss * reconstruction_scale;
  // Of the sequences of this process, for the log; what all have is their sum.
  Tensor nats = step_metric(forward.reconstruction.loss), correct = step_metric(forward.reconstruction.correct.sum());
  Tensor states_error = at::zeros_like(nats), bag_nats = at::zeros_like(nats);

  const auto error = vae.bottleneck().reconstruction_error(forward.encoded, forward.memory);
  if (error) {
    states_error = step_metric(*error) * sequences_share;
    if (loss_.encoding_reconstruction_weight > 0)
      result.loss = result.loss + *error * (loss_.encoding_reconstruction_weight * per_micro_batch * sequences_share);
  }
  const double bag_of_words_weight = loss_.bag_of_words.weight * decay(position, loss_.bag_of_words.end);
  if (bag_of_words_weight > 0) {
    const Tensor bag = vae.heads().bag_of_words->nats(forward.code, batch);
    result.loss = result.loss + bag * (bag_of_words_weight * reconstruction_scale);
    bag_nats = step_metric(bag);
  }
  if (share.is_part()) {
    const Tensor sums = at::stack({nats, correct, states_error, bag_nats});
    communicator_.sum({sums});
    nats = sums[0], correct = sums[1], states_error = sums[2], bag_nats = sums[3];
  }
  result.metrics["cross_entropy"] = nats / tokens;
  result.metrics["token_accuracy"] = correct / tokens;
  Tensor total = mean ? nats / tokens : nats;

  if (regularizer_) {
    const RegularizerInput input{with_others(forward.posterior.to(at::kFloat), share),
                                 with_others(forward.code.to(at::kFloat), share), all_tokens, position};
    const RegularizerResult regularizer = (*regularizer_)(input, rng);
    const double weight = regularizer_weight(loss_, position);
    result.loss = result.loss + regularizer.value * (weight * per_micro_batch);
    const Tensor value = step_metric(regularizer.value);
    result.metrics["regularizer"] = value;
    result.metrics["regularizer_weight"] = step_metric(weight);
    result.metrics.insert(regularizer.metrics.begin(), regularizer.metrics.end());
    total = total + weight * value;
  } else {
    result.metrics["regularizer"] = step_metric(0.0);
  }
  if (error) {
    result.metrics["encoding_reconstruction"] = states_error;
    total = total + loss_.encoding_reconstruction_weight * states_error;
  }
  if (bag_of_words_weight > 0) {
    result.metrics["bag_of_words"] = bag_nats / tokens;
    total = total + bag_of_words_weight * bag_nats / (mean ? tokens : 1.0);
  }
  const InterpolationLosses::Result between = between_codes(vae, forward, batch, position, context);
  if (between.loss.defined()) {
    result.loss = result.loss + between.loss * (per_micro_batch / communicator_.size());
    result.metrics.insert(between.metrics.begin(), between.metrics.end());
    total = total + step_metric(between.loss);
  }
  result.metrics["loss"] = total;
  return result;
}

InterpolationLosses::Result Objective::between_codes(const TransformerVae& vae, const ForwardResult& forward,
                                                     const TokenStream& batch, const TrainingPosition& position,
                                                     const ForwardContext& context) {
  const BatchShare& share = context.share;
  if (!share.is_part() || !interpolation_.any()) return interpolation_(vae, forward, batch.spans, position, context);
  ForwardResult whole;
  whole.code = share.gather(forward.code.detach());
  whole.decoder_states =
      communicator_.gather_rows(forward.decoder_states, share.rows_before(), share.rows(batch.ids.size(0)));
  return interpolation_(vae, whole, share.whole, position, {/*training=*/true, context.rng, recompute_});
}

void Objective::on_held_out(double nats) {
  if (regularizer_) regularizer_->on_held_out(nats);
}

std::optional<RateTarget> Objective::rate_target(const TrainingPosition& position) const {
  return regularizer_ ? regularizer_->rate_target(position) : std::nullopt;
}

TensorMap Objective::state() const {
  TensorMap saved = interpolation_.state();
  if (regularizer_) saved.merge(regularizer_->state());
  return saved;
}

void Objective::load_state(const TensorMap& saved) {
  if (regularizer_) regularizer_->load_state(saved);
  interpolation_.load_state(saved);
}

NoiseLevels Objective::noise_at(const TrainingPosition& position) const {
  NoiseLevels noise;
  noise.encoder_token_mask = loss_.encoder_token_mask + kMaskedOfChosen * loss_.mlm_probability;
  noise.encoder_token_random = (1.0 - kMaskedOfChosen) * loss_.mlm_random_ratio * loss_.mlm_probability;
  noise.latent_dropout = loss_.latent_dropout;
  noise.latent_mix = position.progress() >= loss_.latent_mix_start ? loss_.latent_mix : 0.0;
  noise.decoder_token_mask = loss_.decoder_token_mask * decay(position, loss_.decoder_token_mask_end);
  return noise;
}

}  // namespace tvae
