#include "tvae/optim/optimizer.h"

#include "tvae/base/assert.h"
#include "tvae/optim/saved_state.h"

namespace tvae {

Optimizer::Optimizer(std::vector<NamedParameter> parameters) : parameters_(std::move(parameters)) {
  TVAE_ASSERT(!parameters_.empty(), "an optimizer needs parameters");
  step_count_ = add_state("step", {}, parameters_.front().value.options().dtype(at::kFloat));
}

void Optimizer::zero_grad() {
  for (NamedParameter& parameter : parameters_) parameter.value.mutable_grad().reset();
}

void Optimizer::load_state(const TensorMap& saved) {
  copy_saved_state(saved, state_, "optimizer state", "the checkpoint must be of the same model and train.optimizer");
  steps_ = static_cast<int64_t>(step_count_.item<float>());
}

int64_t Optimizer::count_step() {
  step_count_.add_(1);
  return ++steps_;
}

torch::Tensor Optimizer::add_state(const std::string& name, at::IntArrayRef shape,
                                   const torch::TensorOptions& options) {
  const auto [place, is_new] = state_.emplace(name, at::zeros(shape, options.requires_grad(false)));
  TVAE_ASSERT(is_new, "optimizer state " + name + " registered twice");
  return place->second;
}

bool decays_by_default(const NamedParameter& parameter) {
  return parameter.kind != WeightKind::kVector;
}

Registry<OptimizerFactory>& optimizers() {
  static Registry<OptimizerFactory> registry("train.optimizer");
  return registry;
}

std::unique_ptr<Optimizer> make_optimizer(const TrainConfig& config, std::vector<NamedParameter> parameters,
                                          const ParameterRule& decays) {
  return optimizers().find(config.optimizer)(config, std::move(parameters), decays);
}

}  // namespace tvae
