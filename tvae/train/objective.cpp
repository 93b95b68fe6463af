#include "tvae/train/objective.h"

#include "tvae/base/error.h"

namespace tvae {

using torch::Tensor;

namespace {

constexpr double kMaskedOfChosen = 0.8;  // of the tokens that denoising chooses (BERT, and the published collator)

/// Falls linearly from 1 at the start to 0 at share `end` of training.
double decay(const TrainingPosition& position, double end) {
  return end > 0 ? std::max(0.0, 1.0 - position.progress() / end) : 0.0;
}

}  // namespace

Objective::Objective(const LossConfig& loss, const ModelConfig& model, const RecomputeConfig& recompute)
    : loss_(loss), recompute_(recompute), regularizer_(make_regularizer(loss, model)), interpolation_(loss, model) {
  if (loss.encoding_reconstruction_weight > 0 && !bottleneck_traits(model).rebuilds_states)
    throw ConfigError("loss.encoding_reconstruction_weight", "model.bottleneck " + model.bottleneck,
                      "a bottleneck that rebuilds encoder states: fc");
  if (loss.bag_of_words.weight > 0 && !model.bag_of_words)
    throw ConfigError("loss.bag_of_words.weight needs the head", "", "", "add model.bag_of_words=true");
}

ObjectiveResult Objective::operator()(const TransformerVae& vae, const TokenStream& batch, const StepSizes& sizes,
                                      const TrainingPosition& position, Rng& rng) {
  const ForwardContext context{/*training=*/true, &rng, recompute_};
  const ForwardResult forward = vae.forward(batch, noise_at(position), context);
  const auto tokens = static_cast<double>(batch.ids.size(0));
  const bool mean = loss_.reduction == "mean";
  const double per_micro_batch = 1.0 / static_cast<double>(sizes.micro_batches);
  // The mean runs over the tokens of the whole step, so that accumulation gives one large batch's gradient; the 2020
  // sum is divided by the number of micro-batches, as published.
  const double reconstruction_scale = mean ? 1.0 / static_cast<double>(sizes.tokens) : per_micro_batch;

  ObjectiveResult result;
  result.loss = forward.reconstruction.loss * reconstruction_scale;
  const double nats = forward.reconstruction.loss.item<double>();
  result.metrics["cross_entropy"] = nats / tokens;
  result.metrics["token_accuracy"] = forward.reconstruction.correct.sum().item<double>() / tokens;
  double total = mean ? nats / tokens : nats;

  if (regularizer_) {
    const RegularizerInput input{forward.posterior.to(at::kFloat), forward.code.to(at::kFloat), batch.ids.size(0),
                                 position};
    const RegularizerResult regularizer = (*regularizer_)(input, rng);
    const double weight = regularizer_weight(loss_, position);
    result.loss = result.loss + regularizer.value * (weight * per_micro_batch);
    const double value = regularizer.value.item<double>();
    result.metrics["regularizer"] = value;
    result.metrics["regularizer_weight"] = weight;
    result.metrics.insert(regularizer.metrics.begin(), regularizer.metrics.end());
    total += weight * value;
  } else {
    result.metrics["regularizer"] = 0.0;
  }
  if (const auto error = vae.bottleneck().reconstruction_error(forward.encoded, forward.memory)) {
    result.metrics["encoding_reconstruction"] = error->item<double>();
    if (loss_.encoding_reconstruction_weight > 0) {
      result.loss = result.loss + *error * (loss_.encoding_reconstruction_weight * per_micro_batch);
      total += loss_.encoding_reconstruction_weight * error->item<double>();
    }
  }
  const double bag_of_words_weight = loss_.bag_of_words.weight * decay(position, loss_.bag_of_words.end);
  if (bag_of_words_weight > 0) {
    const Tensor bag = vae.heads().bag_of_words->nats(forward.code, batch);
    result.loss = result.loss + bag * (bag_of_words_weight * reconstruction_scale);
    result.metrics["bag_of_words"] = bag.item<double>() / tokens;
    total += bag_of_words_weight * bag.item<double>() / (mean ? tokens : 1.0);
  }
  const InterpolationLosses::Result between = interpolation_(vae, forward, batch.spans, position, context);
  if (between.loss.defined()) {
    result.loss = result.loss + between.loss * per_micro_batch;
    result.metrics.insert(between.metrics.begin(), between.metrics.end());
    total += between.loss.item<double>();
  }
  result.metrics["loss"] = total;
  return result;
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
