// One optimizer step: micro-batches → gradients → new weights.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tvae/data/token_batch.h"
#include "tvae/model/transformer_vae.h"
#include "tvae/optim/ema.h"
#include "tvae/optim/optimizer.h"
#include "tvae/train/objective.h"

namespace tvae {

/// What a step computes in.
enum class Precision {
  kFp32,
  kBf16Products,  // fp32 but for what matrix products multiply (ops/linear.h): the CPU's bf16
  kBf16Weights,   // the whole model in bf16, with fp32 master weights: a GPU's
};

/// What train.precision means on this device. Throws ConfigError for bf16 on a processor whose fp32 is faster.
Precision precision_on(torch::DeviceType device, const std::string& precision);

/// What a step changes: the model's weights and their fp32 masters, the optimizer, the moving average, the objective.
class TrainStep {
 public:
  TrainStep(TransformerVae& vae, const RunConfig& config);
  TrainStep(TransformerVae& vae, const RunConfig& config, Precision precision);

  /// Adds the gradients of one micro-batch, in fp32 whatever the model computes in. Returns its metrics.
  std::map<std::string, double> accumulate(const TokenBatch& batch, const StepSizes& sizes,
                                           const TrainingPosition& position, Rng& rng);
  struct Report {
    double gradient_norm;  // before clipping
    double learning_rate;
  };
  /// Updates the weights and drops the gradients. Throws where these are not finite.
  Report apply(const TrainingPosition& position);

  /// Casts the master weights to the bf16 weights the model computes with, where there are any.
  void refresh_compute_weights();

  /// fp32 weights the optimizer works on: the model's own, or, where these are bf16, their master copies.
  const std::vector<NamedParameter>& master() const { return master_; }
  /// Copies saved weights in. Throws CheckpointError where they do not fit.
  void load_weights(const TensorMap& saved);
  Objective& objective() { return objective_; }
  const Objective& objective() const { return objective_; }
  Optimizer& optimizer() const { return *optimizer_; }
  /// nullptr without train.ema_decay.
  MovingAverage* average() const { return average_.get(); }

 private:
  /// Moves the gradients of bf16 weights to their masters' fp32 ones, where they add up.
  void gather_gradients();

  TransformerVae& vae_;
  TrainConfig config_;
  Objective objective_;
  Precision precision_;
  std::vector<NamedParameter> master_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<MovingAverage> average_;
};

}  // namespace tvae
