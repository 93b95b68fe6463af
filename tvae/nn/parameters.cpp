#include "tvae/nn/parameters.h"

#include <cmath>
#include <sstream>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/ops/recompute.h"

namespace tvae {
namespace {

std::string shape_text(const torch::Tensor& tensor) {
  std::ostringstream out;
  out << tensor.sizes();
  return out.str();
}

}  // namespace

torch::Tensor Parameters::add(const std::string& name, WeightKind kind, at::IntArrayRef sizes, Init init) {
  for (const NamedParameter& parameter : list_) TVAE_ASSERT(parameter.name != name, "weight names are unique: " + name);
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

void Parameters::load(const TensorMap& tensors, const std::string& source) {
  for (const NamedParameter& parameter : list_) {
    const auto found = tensors.find(parameter.name);
    if (found == tensors.end()) throw CheckpointError(source + " lacks the weight " + parameter.name);
    if (found->second.sizes() != parameter.value.sizes())
      throw CheckpointError(source + ": weight " + parameter.name, "shape " + shape_text(found->second),
                            shape_text(parameter.value));
    if (!found->second.is_floating_point())
      throw CheckpointError(source + ": weight " + parameter.name, std::string(toString(found->second.scalar_type())),
                            "floating-point numbers");
  }
  if (tensors.size() != list_.size())
    for (const auto& [name, tensor] : tensors) {
      bool known = false;
      for (const NamedParameter& parameter : list_) known = known || parameter.name == name;
      if (!known) throw CheckpointError(source + " has a weight the model does not know", name);
    }
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
