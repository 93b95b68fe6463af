#include "tvae/optim/ema.h"

#include <algorithm>

#include "tvae/optim/saved_state.h"

namespace tvae {

MovingAverage::MovingAverage(const std::vector<NamedParameter>& parameters, double decay)
    : updates_(at::zeros({}, at::kLong)), decay_(decay) {
  for (const NamedParameter& parameter : parameters) {
    values_.push_back(parameter.value);
    averages_.push_back(parameter.value.detach().clone());
    state_[parameter.name] = averages_.back();
  }
  state_["updates"] = updates_;
}

void MovingAverage::update() {
  const torch::NoGradGuard no_grad;
  const double t = static_cast<double>(updates_.item<int64_t>());
  updates_.add_(1);
  at::_foreach_lerp_(averages_, values_, 1.0 - std::min(decay_, (1.0 + t) / (10.0 + t)));
}

void MovingAverage::swap() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < values_.size(); ++i) {
    // Contents, not storage: whoever holds the weights' memory (views, CUDA graphs) sees the exchange.
    const torch::Tensor value = values_[i].clone();
    values_[i].copy_(averages_[i]);
    averages_[i].copy_(value);
  }
}

void MovingAverage::load_state(const TensorMap& saved) {
  copy_saved_state(saved, state_, "moving average", "the checkpoint must be of the same model");
}

}  // namespace tvae
