// Adafactor (Shazeer & Stern 2018, arXiv:1804.04235) as transformers.optimization.Adafactor computes it: no momentum,
// second moments of matrices factored into rows and columns, updates clipped to a root mean square of 1.
#pragma once

#include "tvae/optim/optimizer.h"

namespace tvae {

class Adafactor : public Optimizer {
 public:
  /// Without adafactor.relative_step: the rate is learning_rate (scale_parameter and relative_step off, as the 2021
  /// system ran it). With it: the peak rate of step t is min(0.01, 1/sqrt(t)) times the parameter's root mean square
  /// (at least 0.001), and learning_rate is not used; for the published behaviour set the schedule to constant.
  Adafactor(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays);
  double step(double learning_rate_factor) override;

 private:
  struct Slot {
    torch::Tensor value;
    double weight_decay;
    // Running mean squares: over the last dimension, over the one before it; of a vector, unfactored in `row`.
    torch::Tensor row, column;
  };
  void update(const Slot& slot, double rate, double newness) const;

  double learning_rate_;
  bool relative_step_;
  std::vector<Slot> slots_;
};

}  // namespace tvae
