// Optimizers: one step over a list of named parameters, with a state that is saved and restored by name.
// Each optimizer is a pair of files: adamw, adafactor, muon.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tvae/base/registry.h"
#include "tvae/config/run_config.h"
#include "tvae/nn/parameters.h"
#include "tvae/ops/torch.h"

namespace tvae {

class Optimizer {
 public:
  explicit Optimizer(std::vector<NamedParameter> parameters);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update from the parameters' gradients. The factor comes from the schedule, in [0, 1], and multiplies each
  /// group's own peak rate. A parameter without a gradient is left as it is. Returns the rate it used (of the first
  /// group), for the log.
  virtual double step(double learning_rate_factor) = 0;

  /// Drops the gradients: the first backward pass then writes its result instead of adding to zeros.
  void zero_grad();

  /// Everything a bit-exact continuation needs: "parameter name/slot", and "step", the number of steps taken. The
  /// tensors are the optimizer's own, on its device: save or clone them before the next step.
  const TensorMap& state() const { return state_; }

  /// Copies a saved state in. Throws CheckpointError unless names, shapes and dtypes are exactly those of state().
  void load_state(const TensorMap& saved);

 protected:
  /// One more step. Returns how many that makes.
  int64_t count_step();
  /// Registers a zero tensor as part of the state.
  torch::Tensor add_state(const std::string& name, at::IntArrayRef shape, const torch::TensorOptions& options);

  std::vector<NamedParameter> parameters_;
  /// Steps taken, as the fused kernels want it: one float32 number on the parameters' device.
  torch::Tensor step_count_;

 private:
  TensorMap state_;
  int64_t steps_ = 0;  // step_count_, which on a GPU one would have to wait for
};

/// A property of a parameter, as whether weight decay applies to it.
using ParameterRule = std::function<bool(const NamedParameter&)>;

/// Matrices and tables decay; vectors (norms, biases, the bias of distances too) do not, as in today's Hugging Face
/// Trainer.
bool decays_by_default(const NamedParameter& parameter);

using OptimizerFactory = std::unique_ptr<Optimizer> (*)(const TrainConfig&, std::vector<NamedParameter>,
                                                        const ParameterRule& decays);
/// By name, train.optimizer. Each registers itself in a file of its own.
Registry<OptimizerFactory>& optimizers();

template <class Kind>
std::unique_ptr<Optimizer> construct_optimizer(const TrainConfig& config, std::vector<NamedParameter> parameters,
                                               const ParameterRule& decays) {
  return std::make_unique<Kind>(config, std::move(parameters), decays);
}

/// The optimizer train.optimizer names. Throws ConfigError for an unknown name.
std::unique_ptr<Optimizer> make_optimizer(const TrainConfig& config, std::vector<NamedParameter> parameters,
                                          const ParameterRule& decays = decays_by_default);

}  // namespace tvae
