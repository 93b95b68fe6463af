#include "tvae/optim/adafactor.h"

#include <algorithm>
#include <cmath>

namespace tvae {
namespace {

constexpr double kSquareEpsilon = 1e-30;  // eps[0]: added to squared gradients
constexpr double kSmallestScale = 1e-3;   // eps[1]: of scale_parameter
constexpr double kLargestUpdate = 1.0;    // clip_threshold: root mean square of an update
constexpr double kDecayExponent = -0.8;   // decay_rate: the newest square at step t weighs t^-0.8
constexpr double kLargestRelativeStep = 1e-2;

torch::Tensor root_mean_square(const torch::Tensor& x) {
  return at::linalg_vector_norm(x).div_(std::sqrt(static_cast<double>(x.numel())));
}

}  // namespace

Adafactor::Adafactor(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays)
    : Optimizer(std::move(parameters)),
      learning_rate_(config.learning_rate),
      relative_step_(config.adafactor.relative_step) {
  for (const NamedParameter& parameter : parameters_) {
    const torch::Tensor& value = parameter.value;
    Slot slot{value, decays(parameter) ? config.weight_decay : 0.0, {}, {}};
    if (value.dim() < 2) {
      slot.row = add_state(parameter.name + "/exp_avg_sq", value.sizes(), value.options());
    } else {
      std::vector<int64_t> rows = value.sizes().vec();
      rows.pop_back();
      std::vector<int64_t> columns = value.sizes().vec();
      columns.erase(columns.end() - 2);
      slot.row = add_state(parameter.name + "/exp_avg_sq_row", rows, value.options());
      slot.column = add_state(parameter.name + "/exp_avg_sq_col", columns, value.options());
    }
    slots_.push_back(std::move(slot));
  }
}

double Adafactor::step(double learning_rate_factor) {
  const torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(count_step());
  const double peak = relative_step_ ? std::min(kLargestRelativeStep, 1.0 / std::sqrt(t)) : learning_rate_;
  const double rate = peak * learning_rate_factor;
  for (const Slot& slot : slots_)
    if (slot.value.grad().defined()) update(slot, rate, std::pow(t, kDecayExponent));
  return rate;
}

void Adafactor::update(const Slot& slot, double rate, double newness) const {
  const torch::Tensor gradient = slot.value.grad();
  torch::Tensor update = gradient.square().add_(kSquareEpsilon);
  if (slot.column.defined()) {
    slot.row.lerp_(update.mean(-1), newness);
    slot.column.lerp_(update.mean(-2), newness);
    // The factored estimate of the matrix of mean squares is row column / mean(row).
    const torch::Tensor row_factor = slot.row.div(slot.row.mean(-1, /*keepdim=*/true)).rsqrt_();
    at::mul_out(update, gradient, row_factor.unsqueeze(-1));
    update.mul_(slot.column.rsqrt().unsqueeze(-2));
  } else {
    slot.row.lerp_(update, newness);
    at::mul_out(update, gradient, slot.row.rsqrt());
  }
  // Both factors stay on the device: to ask for their values would wait for the GPU once a parameter.
  const torch::Tensor clip = root_mean_square(update).clamp_min_(kLargestUpdate).reciprocal_().mul_(kLargestUpdate);
  const torch::Tensor step_size = relative_step_ ? root_mean_square(slot.value).clamp_min_(kSmallestScale).mul_(rate)
                                                 : at::full({}, rate, slot.value.options().requires_grad(false));
  if (slot.weight_decay != 0) slot.value.mul_(1.0 - step_size * slot.weight_decay);
  slot.value.addcmul_(update, clip.mul_(step_size), -1.0);
}

namespace {

const Register<OptimizerFactory> registered(
    optimizers(),
    {"adafactor", "second moments of matrices factored into rows and columns: half of AdamW's memory or less",
     construct_optimizer<Adafactor>});

}  // namespace

}  // namespace tvae
