// One optimizer step: micro-batches → gradients → new weights.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tvae/data/token_batch.h"
#include "tvae/dist/communicator.h"
#include "tvae/dist/gradient_reducer.h"
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
  /// `communicator` outlives it; its processes make the same steps, each with its share of every micro-batch.
  TrainStep(TransformerVae& vae, const RunConfig& config, Communicator& communicator = lone_process());
  TrainStep(TransformerVae& vae, const RunConfig& config, Precision precision,
            Communicator& communicator = lone_process());

  /// Adds the gradients of one micro-batch, in fp32 whatever the model computes in. Returns its metrics. All processes
  /// are given the whole of it.
  StepMetrics accumulate(const TokenBatch& batch, const StepSizes& sizes, const TrainingPosition& position, Rng& rng);
  struct Report {
    torch::Tensor gradient_norm;  // before clipping, as a StepMetric
    double learning_rate;
  };
  /// Updates the weights and drops the gradients. On the CPU it throws where these are not finite, and leaves the
  /// weights alone. A GPU is not waited for: the norm says so when it is read (require_finite_gradients).
  Report apply(const TrainingPosition& position);

  /// Moves the gradients of bf16 weights to their masters' fp32 ones, where they add up; apply() does it too.
  void gather_gradients();
  /// Throws for a norm of the gradients, or a sum of norms of steps up to `step`, that is not finite.
  static void require_finite_gradients(const torch::Tensor& norm, int64_t step);

  /// The fp32 weights that this process updates: the model's own, or, where these are bf16, their master copies, which
  /// no other process has.
  const std::vector<NamedParameter>& masters() const { return own_; }
  /// All weights in fp32; where the model computes in bf16, whole in the first process alone. All call it together.
  TensorMap weights() const;
  /// Copies saved weights in. Throws CheckpointError where they do not fit.
  void load_weights(const TensorMap& saved);
  Objective& objective() { return objective_; }
  const Objective& objective() const { return objective_; }

  /// Calls work() while the weights are the averages, where there are some (train.ema_decay). All processes call it
  /// together.
  void with_average(const std::function<void()>& work);
  /// States of optimizer and average, whole in the first process; all call them together. Average: empty without one.
  TensorMap optimizer_state() const;
  TensorMap average_state() const;
  /// Each process takes its share of whole states. Throws CheckpointError.
  void load_states(const TensorMap& optimizer, const TensorMap& average);

 private:
  /// Weights that this process updates go to the model and to the others.
  void share_weights();
  void swap_average();
  TensorMap share_of(const TensorMap& whole) const;

  torch::Tensor clip();

  TransformerVae& vae_;
  TrainConfig config_;
  Communicator& communicator_;
  Objective objective_;
  Precision precision_;
  std::unique_ptr<GradientReducer> reducer_;
  int64_t accumulated_ = 0;  // micro-batches of the step
  // Each process updates a part of the weights, and keeps masters, optimizer and average of those alone ("ZeRO-1",
  // Rajbhandari et al. 2020).
  std::vector<NamedParameter> own_;
  std::vector<size_t> own_places_;                           // among the model's parameters
  std::vector<std::vector<torch::Tensor>> values_of_ranks_;  // the model's
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<MovingAverage> average_;
};

}  // namespace tvae
