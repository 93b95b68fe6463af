#include "tvae/nn/parameters.h"

#include <cmath>
#include <sstream>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/ops/recompute.h"

namespace tvae {
namespace {

std::string shape_text(at::IntArrayRef sizes) {
  std::ostringstream out;
  out << sizes;
  return out.str();
}

/// The weight of this name. Throws CheckpointError where there is none, or of another shape, or no numbers.
const torch::Tensor& fitting(const TensorMap& tensors, const std::string& name, at::IntArrayRef sizes,
                             const std::string& source) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw CheckpointError(source + " lacks the weight " + name);
  const torch::Tensor& tensor = found->second;
  if (tensor.sizes() != sizes)
    throw CheckpointError(source + ": weight " + name, "shape " + shape_text(tensor.sizes()), shape_text(sizes));
  if (!tensor.is_floating_point())
    throw CheckpointError(source + ": weight " + name, std::string(toString(tensor.scalar_type())),
                          "floating-point numbers");
  return tensor;
}

}  // namespace

torch::Tensor Parameters::add(const std::string& name, WeightKind kind, at::IntArrayRef sizes, Init init) {
  for (const NamedParameter& parameter : list_) TVAE_ASSERT(parameter.name != name, "weight names are unique: " + name);
  if (rng_ == nullptr) {
    list_.push_back({name, stored_value(name, sizes), kind});
    return list_.back().value;
  }
  torch::Tensor value = at::empty(sizes, at::TensorOptions(at::kFloat).device(device_));
  switch (init.kind) {
    case Init::Kind::kNormal:
      value.normal_(0.0, init.scale, rng_->generator());
      break;
    case Init::Kind::kUniform:
      value.uniform_(-init.scale, init.scale, rng_->generator());
      break;
    case Init::Kind::kUniformAboveZero:
      value.uniform_(0.0, init.scale, rng_->generator());
      break;
    case Init::Kind::kConstant:
      value.fill_(init.scale);
      break;
  }
  value.requires_grad_(true);
  list_.push_back({name, value, kind});
  return value;
}

torch::Tensor Parameters::stored_value(const std::string& name, at::IntArrayRef sizes) {
  torch::Tensor value = fitting(stored_, name, sizes, source_).detach().to(at::kFloat);
  stored_.erase(name);  // so that no weight is in memory twice
  return value.requires_grad_(true);
}

void Parameters::require_all_asked_for() const {
  if (!stored_.empty())
    throw CheckpointError(source_ + " has a weight the model does not know", stored_.begin()->first);
}

std::vector<torch::Tensor> Scope::weights() const {
  std::vector<torch::Tensor> found;
  for (const NamedParameter& parameter : parameters_->list())
    if (parameter.name.starts_with(prefix_)) found.push_back(parameter.value);
  return found;
}

int64_t Parameters::count() const {
  int64_t numbers = 0;
  for (const NamedParameter& parameter : list_) numbers += parameter.value.numel();
  return numbers;
}

void Parameters::to(torch::Device device, torch::ScalarType type) {
  for (NamedParameter& parameter : list_) parameter.value.set_data(parameter.value.detach().to(device, type));
}

TensorMap Parameters::to_map() const {
  TensorMap map;
  for (const NamedParameter& parameter : list_) map[parameter.name] = parameter.value.detach();
  return map;
}

void Parameters::require_fit(const TensorMap& tensors, const std::string& source) const {
  for (const NamedParameter& parameter : list_) fitting(tensors, parameter.name, parameter.value.sizes(), source);
  if (tensors.size() != list_.size())
    for (const auto& [name, tensor] : tensors) {
      bool known = false;
      for (const NamedParameter& parameter : list_) known = known || parameter.name == name;
      if (!known) throw CheckpointError(source + " has a weight the model does not know", name);
    }
}

void Parameters::load(const TensorMap& tensors, const std::string& source) {
  require_fit(tensors, source);
  const torch::NoGradGuard no_grad;
  for (NamedParameter& parameter : list_) parameter.value.copy_(tensors.at(parameter.name));
}

Linear Linear::without_bias(const Scope& scope, int64_t in, int64_t out, double std) {
  Linear linear;
  linear.weight = scope.matrix("weight", {out, in}, Init::normal(std));
  return linear;
}

Linear Linear::with_bias(const Scope& scope, int64_t in, int64_t out) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  Linear linear;
  linear.weight = scope.matrix("weight", {out, in}, Init::uniform(bound));
  linear.bias = scope.vector("bias", {out}, Init::uniform(bound));
  return linear;
}

torch::Tensor recomputed(const ForwardPart& part, const std::vector<torch::Tensor>& inputs,
                         const std::vector<torch::Tensor>& weights, const ForwardContext& context) {
  if (!context.training) return part(inputs, context);
  TVAE_ASSERT(context.rng != nullptr, "training has a source of randomness");
  const auto end = std::make_shared<Rng>(*context.rng);
  const auto body = [part, context, start = *context.rng, end](const std::vector<torch::Tensor>& given) {
    Rng rng = start;
    ForwardContext replay = context;
    replay.rng = &rng;
    const torch::Tensor output = part(given, replay);
    *end = rng;
    return output;
  };
  const torch::Tensor output = recompute(body, inputs, weights);
  *context.rng = *end;
  return output;
}

}  // namespace tvae
