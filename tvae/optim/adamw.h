// AdamW with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), equal to torch.optim.AdamW.
#pragma once

#include "tvae/optim/optimizer.h"

namespace tvae {

class AdamW : public Optimizer {
 public:
  /// Uses learning_rate, beta1, beta2, epsilon and, where `decays` says so, weight_decay of the configuration.
  AdamW(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays);
  double step(double learning_rate_factor) override;

 protected:
  /// Updates only the parameters that `takes` holds for; the others are a subclass's.
  AdamW(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays,
        const ParameterRule& takes);

 private:
  struct Slot {
    torch::Tensor value;
    torch::Tensor mean;         // "exp_avg" in the state
    torch::Tensor mean_square;  // "exp_avg_sq"
  };
  void update(const std::vector<Slot>& group, double learning_rate, double weight_decay);

  double learning_rate_, beta1_, beta2_, epsilon_, weight_decay_;
  std::vector<Slot> decaying_;
  std::vector<Slot> plain_;
};

}  // namespace tvae
