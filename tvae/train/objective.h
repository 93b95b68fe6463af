// The loss of a micro-batch: reconstruction, regularizer and the optional terms, with their schedules.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tvae/dist/communicator.h"
#include "tvae/model/regularizer.h"
#include "tvae/model/transformer_vae.h"
#include "tvae/train/interpolation_losses.h"

namespace tvae {

/// Sizes of the optimizer step a micro-batch belongs to.
struct StepSizes {
  int64_t tokens = 0;  // target tokens of all micro-batches of the step
  int64_t micro_batches = 1;
};

struct ObjectiveResult {
  torch::Tensor loss;  // what is differentiated: this micro-batch's share of the step's loss
  /// For the log, of this micro-batch: cross_entropy (nats a token), regularizer, token_accuracy, ...
  StepMetrics metrics;
};

class Objective {
 public:
  Objective(const LossConfig& loss, const ModelConfig& model, const RecomputeConfig& recompute = {},
            Communicator& communicator = lone_process());

  /// `batch`: all of a micro-batch, or this process's share of one. Then the loss is a share too, which all processes'
  /// add up to, while the metrics are those of the whole.
  ObjectiveResult operator()(const TransformerVae& vae, const TokenStream& batch, const StepSizes& sizes,
                             const TrainingPosition& position, Rng& rng, const BatchShare& share = {});

  /// What the regularizer learns of an evaluation, and the rate that it steers toward (Regularizer).
  void on_held_out(double nats);
  std::optional<RateTarget> rate_target(const TrainingPosition& position) const;

  /// What the parts remember, for the checkpoint.
  TensorMap state() const;
  void load_state(const TensorMap& saved);

 private:
  NoiseLevels noise_at(const TrainingPosition& position) const;
  /// The losses between codes, of the codes of all processes, which all compute the same.
  InterpolationLosses::Result between_codes(const TransformerVae& vae, const ForwardResult& forward,
                                            const TokenStream& batch, const TrainingPosition& position,
                                            const ForwardContext& context);

  LossConfig loss_;
  RecomputeConfig recompute_;
  Communicator& communicator_;
  std::unique_ptr<Regularizer> regularizer_;
  InterpolationLosses interpolation_;
};

}  // namespace tvae
