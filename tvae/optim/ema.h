// Exponential moving average of the weights (Polyak averaging): smoother weights to evaluate and to save.
#pragma once

#include <vector>

#include "tvae/optim/optimizer.h"

namespace tvae {

class MovingAverage {
 public:
  /// Starts at the parameters' values.
  MovingAverage(const std::vector<NamedParameter>& parameters, double decay);

  /// average += (1 - d) (parameter - average), d = min(decay, (1 + t) / (10 + t)) at update t, so that the first
  /// weights, which are noise, are soon forgotten (the definition of tf.train.ExponentialMovingAverage).
  void update();

  /// Exchanges parameters and averages in place; a second call undoes it.
  void swap();

  /// The averages by parameter name, and "updates". The tensors are its own: save or clone before the next update.
  const TensorMap& state() const { return state_; }
  /// Throws CheckpointError unless names, shapes and dtypes are exactly those of state().
  void load_state(const TensorMap& saved);

 private:
  std::vector<torch::Tensor> values_;
  std::vector<torch::Tensor> averages_;
  torch::Tensor updates_;
  double decay_;
  TensorMap state_;
};

}  // namespace tvae
