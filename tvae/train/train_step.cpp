#include "tvae/train/train_step.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tvae/base/error.h"
#include "tvae/nn/batch_spans.h"
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

/// Which of `processes` updates each parameter: shares of about the same size.
std::vector<int> deal_out(const std::vector<NamedParameter>& parameters, int processes) {
  std::vector<size_t> order(parameters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto size = [&](size_t i) { return parameters[i].value.numel(); };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return size(a) > size(b); });
  std::vector<int64_t> taken(static_cast<size_t>(processes), 0);
  std::vector<int> owners(parameters.size());
  for (const size_t i : order) {
    const auto least = std::min_element(taken.begin(), taken.end());
    *least += size(i);
    owners[i] = static_cast<int>(least - taken.begin());
  }
  return owners;
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

TrainStep::TrainStep(TransformerVae& vae, const RunConfig& config, Communicator& communicator)
    : TrainStep(vae, config, precision_on(device_of(vae), config.train.precision), communicator) {}

TrainStep::TrainStep(TransformerVae& vae, const RunConfig& config, Precision precision, Communicator& communicator)
    : vae_(vae),
      config_(config.train),
      communicator_(communicator),
      objective_(config.loss, vae.config(), config.train.recompute, communicator),
      precision_(precision) {
  const std::vector<NamedParameter>& parameters = vae_.parameters().list();
  const std::vector<int> owners = deal_out(parameters, communicator_.size());
  for (const NamedParameter& parameter : parameters) communicator_.broadcast({parameter.value.detach()}, 0);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (owners[i] != communicator_.rank()) continue;
    NamedParameter master = parameters[i];
    if (precision_ == Precision::kBf16Weights) master.value = master.value.detach().clone().requires_grad_(true);
    own_.push_back(std::move(master));
    own_places_.push_back(i);
  }
  if (own_.empty())
    throw ConfigError(std::to_string(communicator_.size()) + " processes",
                      "a model of " + std::to_string(parameters.size()) + " weights", "at least one for each process");
  if (precision_ == Precision::kBf16Weights) vae_.parameters().to(vae_.device(), at::kBFloat16);
  values_of_ranks_.resize(static_cast<size_t>(communicator_.size()));
  std::vector<torch::Tensor> weights;
  for (size_t i = 0; i < parameters.size(); ++i) {
    weights.push_back(parameters[i].value);
    values_of_ranks_[static_cast<size_t>(owners[i])].push_back(parameters[i].value.detach());
  }
  reducer_ = std::make_unique<GradientReducer>(communicator_, weights);
  optimizer_ = make_optimizer(config_, own_);
  if (config_.ema_decay > 0) average_ = std::make_unique<MovingAverage>(own_, config_.ema_decay);
}

StepMetrics TrainStep::accumulate(const TokenBatch& batch, const StepSizes& sizes, const TrainingPosition& position,
                                  Rng& rng) {
  gather_gradients();  // of the micro-batch before: a sum in bf16 would lose what is under 1/256 of it
  const bool last = ++accumulated_ == sizes.micro_batches;
  const Bf16Products rounded(precision_ == Precision::kBf16Products);
  if (communicator_.is_alone()) {
    ObjectiveResult result = objective_(vae_, to_stream(batch, vae_.device()), sizes, position, rng);
    result.loss.backward();
    return std::move(result.metrics);
  }
  const BatchPart part = part_of(batch, communicator_.rank(), communicator_.size());
  BatchShare share;
  share.whole = spans_of(batch.groups);
  share.first = part.first;

  share.gather = [&](const torch::Tensor& rows) {
    return communicator_.gather_rows(rows, part.first, batch.sequences());
  };
  ObjectiveResult result = objective_(vae_, to_stream(part.batch, vae_.device()), sizes, position, rng, share);
  // Gradients of bf16 weights go on to fp32 sums with every micro-batch; others are summed over the processes once.
  const bool is_due = last || precision_ == Precision::kBf16Weights;
  reducer_->backward(result.loss, is_due);
  return std::move(result.metrics);
}

TrainStep::Report TrainStep::apply(const TrainingPosition& position) {
  gather_gradients();
  accumulated_ = 0;
  const torch::Tensor norm = clip();
  if (norm.is_cpu()) require_finite_gradients(norm, position.step + 1);
  const Bf16Products rounded(precision_ == Precision::kBf16Products);  // Muon's, which are in bf16 on a GPU too
  const double rate = optimizer_->step(learning_rate_factor(config_, position.step, position.total_steps));
  for (const NamedParameter& parameter : own_) parameter.value.mutable_grad().reset();
  for (const NamedParameter& parameter : vae_.parameters().list()) parameter.value.mutable_grad().reset();
  share_weights();
  if (average_) average_->update();
  return {norm, rate};
}

void TrainStep::require_finite_gradients(const torch::Tensor& norm, int64_t step) {
  if (std::isfinite(norm.item<double>())) return;
  throw Error(ExitCode::kData,
              "training diverged: gradients " + std::string(norm.is_cpu() ? "at" : "up to") + " step " +
                  std::to_string(step) + " are not finite",
              "", "",
              "a lower train.learning_rate or a longer train.warmup_steps may help; the last checkpoint is kept");
}

torch::Tensor TrainStep::clip() {
  if (precision_ != Precision::kBf16Weights) return clip_gradients(vae_.parameters().list(), config_.clip_norm);
  return clip_gradients(own_, config_.clip_norm, [&](const torch::Tensor& norm) {  // each process has its own's
    const torch::Tensor squares = norm.square();
    communicator_.sum({squares});
    return squares.sqrt();
  });
}

void TrainStep::share_weights() {
  const torch::NoGradGuard no_grad;
  if (precision_ == Precision::kBf16Weights) {
    std::vector<torch::Tensor> rounded, masters;
    for (size_t i = 0; i < own_.size(); ++i) {
      rounded.push_back(vae_.parameters().list()[own_places_[i]].value);
      masters.push_back(own_[i].value);
    }
    at::_foreach_copy_(rounded, masters);
  }
  communicator_.broadcast_each(values_of_ranks_);
}

void TrainStep::swap_average() {
  if (!average_) return;
  average_->swap();
  share_weights();
}

void TrainStep::with_average(const std::function<void()>& work) {
  swap_average();
  try {
    work();
  } catch (...) {
    if (average_) average_->swap();  // by itself: the other processes may be elsewhere
    throw;
  }
  swap_average();
}

TensorMap TrainStep::optimizer_state() const {
  return communicator_.tensors_of_all(optimizer_->state());
}

TensorMap TrainStep::average_state() const {
  return average_ ? communicator_.tensors_of_all(average_->state()) : TensorMap();
}

void TrainStep::load_states(const TensorMap& optimizer, const TensorMap& average) {
  optimizer_->load_state(share_of(optimizer));
  if (average_) average_->load_state(share_of(average));
}

TensorMap TrainStep::share_of(const TensorMap& whole) const {
  std::set<std::string> others;
  for (const NamedParameter& parameter : vae_.parameters().list()) others.insert(parameter.name);
  for (const NamedParameter& parameter : own_) others.erase(parameter.name);
  TensorMap share;
  for (const auto& [name, tensor] : whole)
    if (!others.contains(name) && !others.contains(name.substr(0, name.rfind('/')))) share[name] = tensor;
  return share;
}

void TrainStep::gather_gradients() {
  if (precision_ != Precision::kBf16Weights) return;
  const torch::NoGradGuard no_grad;
  const auto& parameters = vae_.parameters().list();
  for (size_t i = 0; i < own_.size(); ++i) {  // one after the other, so that few are there twice
    torch::Tensor& gradient = parameters[own_places_[i]].value.mutable_grad();
    if (!gradient.defined()) continue;
    torch::Tensor& sum = own_[i].value.mutable_grad();
    if (sum.defined())
      sum.add_(gradient);
    else
      sum = gradient.to(at::kFloat);
    gradient.reset();
  }
  for (const NamedParameter& parameter : parameters) parameter.value.mutable_grad().reset();  // those of the others
}

TensorMap TrainStep::weights() const {
  const bool is_apart = precision_ == Precision::kBf16Weights;
  TensorMap all;
  for (const NamedParameter& parameter : is_apart ? own_ : vae_.parameters().list())
    all[parameter.name] = parameter.value.detach();
  return is_apart ? communicator_.tensors_of_all(all) : all;
}

void TrainStep::load_weights(const TensorMap& saved) {
  vae_.parameters().load(saved, "the checkpoint");
  if (precision_ != Precision::kBf16Weights) return;
  const torch::NoGradGuard no_grad;
  for (const NamedParameter& parameter : own_) parameter.value.copy_(saved.at(parameter.name));
}

}  // namespace tvae
