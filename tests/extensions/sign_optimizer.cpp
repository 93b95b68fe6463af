// An optimizer of somebody else: this file alone adds it. Every number moves by the rate against its gradient's sign.
#include "tvae/optim/optimizer.h"

namespace tvae {
namespace {

class SignDescent : public Optimizer {
 public:
  SignDescent(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule&)
      : Optimizer(std::move(parameters)), learning_rate_(config.learning_rate) {}

  double step(double learning_rate_factor) override {
    const torch::NoGradGuard no_grad;
    count_step();
    const double rate = learning_rate_ * learning_rate_factor;
    for (NamedParameter& parameter : parameters_)
      if (parameter.value.grad().defined()) parameter.value.sub_(rate * parameter.value.grad().sign());
    return rate;
  }

 private:
  double learning_rate_;
};

const Register<OptimizerFactory> registered(optimizers(), {"sign", "sign descent", construct_optimizer<SignDescent>});

}  // namespace
}  // namespace tvae
