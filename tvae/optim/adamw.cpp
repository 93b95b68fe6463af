#include "tvae/optim/adamw.h"

namespace tvae {

AdamW::AdamW(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays)
    : AdamW(config, std::move(parameters), decays, [](const NamedParameter&) { return true; }) {}

AdamW::AdamW(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays,
             const ParameterRule& takes)
    : Optimizer(std::move(parameters)),
      learning_rate_(config.learning_rate),
      beta1_(config.adamw.beta1),
      beta2_(config.adamw.beta2),
      epsilon_(config.adamw.epsilon),
      weight_decay_(config.weight_decay) {
  for (const NamedParameter& parameter : parameters_) {
    if (!takes(parameter)) continue;
    const torch::Tensor& value = parameter.value;
    Slot slot{value, add_state(parameter.name + "/exp_avg", value.sizes(), value.options()),
              add_state(parameter.name + "/exp_avg_sq", value.sizes(), value.options())};
    (decays(parameter) ? decaying_ : plain_).push_back(std::move(slot));
  }
}

double AdamW::step(double learning_rate_factor) {
  const torch::NoGradGuard no_grad;
  count_step();
  const double learning_rate = learning_rate_ * learning_rate_factor;
  update(decaying_, learning_rate, weight_decay_);
  update(plain_, learning_rate, 0.0);
  return learning_rate;
}

void AdamW::update(const std::vector<Slot>& group, double learning_rate, double weight_decay) {
  std::vector<torch::Tensor> values, gradients, means, mean_squares;
  for (const Slot& slot : group) {
    if (!slot.value.grad().defined()) continue;
    values.push_back(slot.value);
    gradients.push_back(slot.value.grad());
    means.push_back(slot.mean);
    mean_squares.push_back(slot.mean_square);
  }
  if (values.empty()) return;
  // The kernel wants a step count a tensor and only reads it: one count serves them all.
  const std::vector<torch::Tensor> step_counts(values.size(), step_count_);
  at::_fused_adamw_(values, gradients, means, mean_squares, /*max_exp_avg_sqs=*/{}, step_counts, learning_rate, beta1_,
                    beta2_, weight_decay, epsilon_, /*amsgrad=*/false, /*maximize=*/false);
}

namespace {

const Register<OptimizerFactory> registered(optimizers(), {"adamw", "first and second moments of every weight",
                                                           construct_optimizer<AdamW>});

}  // namespace

}  // namespace tvae
