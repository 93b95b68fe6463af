#include "tvae/train/train_step.h"

#include <cmath>

#include "tvae/base/error.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/linear.h"
#include "tvae/optim/gradients.h"
#include "tvae/optim/schedule.h"

namespace tvae {

namespace {

/// Where the model is, or will be once it has memory.
torch::DeviceType device_of(const TransformerVae& vae) {
  return vae.device().is_meta() ? PlannedDevice::type() : vae.device().type();
}

}  // namespace

Precision precision_on(torch::DeviceType device, const std::string& precision) {
  if (precision == "fp32" || (precision == "auto" && device != torch::kCUDA)) return Precision::kFp32;
  if (device == torch::kCUDA) return Precision::kBf16Weights;
  if (!has_bf16_products())
    throw ConfigError("train.precision", "bf16", "fp32 on this processor",
                      "it has no instructions for bf16 (AVX512_BF16), so that fp32 is both faster and more exact");
  return Precision::kBf16Products;
}

TrainStep::TrainStep(TransformerVae& vae, const RunConfig& config)
    : TrainStep(vae, config, precision_on(device_of(vae), config.train.precision)) {}

TrainStep::TrainStep(TransformerVae& vae, const RunConfig& config, Precision precision)
    : vae_(vae),
      config_(config.train),
      objective_(config.loss, vae.config(), config.train.recompute),
      precision_(precision) {
  if (precision_ == Precision::kBf16Weights) {
    for (const NamedParameter& parameter : vae_.parameters().list())
      master_.push_back({parameter.name, parameter.value.detach().clone().requires_grad_(true), parameter.kind});
    vae_.parameters().to(vae_.device(), at::kBFloat16);
  } else {
    master_ = vae_.parameters().list();
  }
  optimizer_ = make_optimizer(config_, master_);
  if (config_.ema_decay > 0) average_ = std::make_unique<MovingAverage>(master_, config_.ema_decay);
}

std::map<std::string, double> TrainStep::accumulate(const TokenBatch& batch, const StepSizes& sizes,
                                                    const TrainingPosition& position, Rng& rng) {
  gather_gradients();  // of the micro-batch before: a sum in bf16 would lose what is under 1/256 of it
  const TokenStream stream = to_stream(batch, vae_.device());
  const Bf16Products rounded(precision_ == Precision::kBf16Products);
  ObjectiveResult result = objective_(vae_, stream, sizes, position, rng);
  result.loss.backward();
  return std::move(result.metrics);
}

TrainStep::Report TrainStep::apply(const TrainingPosition& position) {
  gather_gradients();
  const double norm = clip_gradients(master_, config_.clip_norm);
  if (!std::isfinite(norm))
    throw Error(ExitCode::kData,
                "training diverged: gradients at step " + std::to_string(position.step + 1) + " are not finite", "", "",
                "a lower train.learning_rate or a longer train.warmup_steps may help; the last checkpoint is kept");
  const Bf16Products rounded(precision_ == Precision::kBf16Products);  // Muon's, which are in bf16 on a GPU too
  const double rate = optimizer_->step(learning_rate_factor(config_, position.step, position.total_steps));
  optimizer_->zero_grad();
  refresh_compute_weights();
  if (average_) average_->update();
  return {norm, rate};
}

void TrainStep::gather_gradients() {
  if (precision_ != Precision::kBf16Weights) return;
  const torch::NoGradGuard no_grad;
  const auto& parameters = vae_.parameters().list();
  for (size_t i = 0; i < master_.size(); ++i) {  // one after the other, so that few are there twice
    torch::Tensor& gradient = parameters[i].value.mutable_grad();
    if (!gradient.defined()) continue;
    torch::Tensor& sum = master_[i].value.mutable_grad();
    if (sum.defined())
      sum.add_(gradient);
    else
      sum = gradient.to(at::kFloat);
    gradient.reset();
  }
}

void TrainStep::refresh_compute_weights() {
  if (precision_ != Precision::kBf16Weights) return;
  const torch::NoGradGuard no_grad;
  const auto& parameters = vae_.parameters().list();
  for (size_t i = 0; i < master_.size(); ++i) parameters[i].value.copy_(master_[i].value);
}

void TrainStep::load_weights(const TensorMap& saved) {
  vae_.parameters().load(saved, "the checkpoint");
  if (precision_ != Precision::kBf16Weights) return;
  const torch::NoGradGuard no_grad;
  for (const NamedParameter& parameter : master_) parameter.value.copy_(saved.at(parameter.name));
}

}  // namespace tvae
