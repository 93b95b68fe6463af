#include "tvae/optim/optimizer.h"

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/optim/adafactor.h"
#include "tvae/optim/adamw.h"
#include "tvae/optim/muon.h"
#include "tvae/optim/saved_state.h"

namespace tvae {
namespace {

template <class Kind>
std::unique_ptr<Optimizer> make(const TrainConfig& config, std::vector<NamedParameter> parameters,
                                const ParameterRule& decays) {
  return std::make_unique<Kind>(config, std::move(parameters), decays);
}

}  // namespace

Optimizer::Optimizer(std::vector<NamedParameter> parameters) : parameters_(std::move(parameters)) {
  TVAE_ASSERT(!parameters_.empty(), "an optimizer needs parameters");
  step_count_ = add_state("step", {}, parameters_.front().value.options().dtype(at::kFloat));
}

void Optimizer::zero_grad() {
  for (NamedParameter& parameter : parameters_) parameter.value.mutable_grad().reset();
}

void Optimizer::load_state(const TensorMap& saved) {
  copy_saved_state(saved, state_, "optimizer state", "the checkpoint must be of the same model and train.optimizer");
}

torch::Tensor Optimizer::add_state(const std::string& name, at::IntArrayRef shape,
                                   const torch::TensorOptions& options) {
  const auto [place, is_new] = state_.emplace(name, at::zeros(shape, options.requires_grad(false)));
  TVAE_ASSERT(is_new, "optimizer state " + name + " registered twice");
  return place->second;
}

bool decays_by_default(const NamedParameter& parameter) {
  return parameter.value.dim() >= 2 && parameter.name.find("bias") == std::string::npos;
}

const std::vector<OptimizerEntry>& optimizers() {
  static const std::vector<OptimizerEntry> entries = {
      {"adamw", "first and second moments of every weight", make<AdamW>},
      {"adafactor", "second moments of matrices factored into rows and columns: half of AdamW's memory or less",
       make<Adafactor>},
      {"muon", "orthogonalised momentum for the layers' matrices, AdamW for the rest", make<Muon>},
  };
  return entries;
}

std::unique_ptr<Optimizer> make_optimizer(const TrainConfig& config, std::vector<NamedParameter> parameters,
                                          const ParameterRule& decays) {
  std::vector<std::string> names;
  for (const OptimizerEntry& entry : optimizers()) {
    if (entry.name == config.optimizer) return entry.make(config, std::move(parameters), decays);
    names.push_back(entry.name);
  }
  throw ConfigError("train.optimizer", "\"" + config.optimizer + "\"", join(names, ", "));
}

}  // namespace tvae
