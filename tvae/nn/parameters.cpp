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

/// Throws CheckpointError where there is no such weight (it is undefined), or of another shape, or no numbers.
void require_fitting(const Weight& weight, const std::string& name, at::IntArrayRef sizes, const std::string& source) {
  if (!weight.defined()) throw CheckpointError(source + " lacks the weight " + name);
  const torch::Tensor& values = weight.values;
  if (values.sizes() != sizes)
    throw CheckpointError(source + ": weight " + name, "shape " + shape_text(values.sizes()), shape_text(sizes));
  if (!values.is_floating_point() && !weight.is_int8())
    throw CheckpointError(source + ": weight " + name, std::string(toString(values.scalar_type())),
                          "floating-point numbers");
}

}  // namespace

torch::Tensor Parameters::add(const std::string& name, WeightKind kind, at::IntArrayRef sizes, Init init) {
  require_new(name);
  torch::Tensor value = rng_ != nullptr ? fresh(sizes, init) : take_stored(name, sizes).dense().to(at::kFloat);
  value.requires_grad_(true);
  list_.push_back({name, value, kind});
  return value;
}

Weight Parameters::add_weight(const std::string& name, WeightKind kind, at::IntArrayRef sizes, Init init) {
  const auto stored = stored_.find(name);
  if (stored == stored_.end() || !stored->second.is_int8()) return {add(name, kind, sizes, init)};
  require_new(name);
  Weight weight = take_stored(name, sizes);
  list_.push_back({name, weight.values, kind, weight.scale});
  return weight;
}

torch::Tensor Parameters::fresh(at::IntArrayRef sizes, Init init) const {
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
  return value;
}

Weight Parameters::take_stored(const std::string& name, at::IntArrayRef sizes) {
  const auto found = stored_.find(name);
  require_fitting(found == stored_.end() ? Weight{} : found->second, name, sizes, source_);
  Weight weight = std::move(found->second);
  stored_.erase(found);
  return weight;
}

void Parameters::require_new(const std::string& name) const {
  for (const NamedParameter& parameter : list_) TVAE_ASSERT(parameter.name != name, "weight names are unique: " + name);
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
  for (NamedParameter& parameter : list_) {
    const bool is_int8 = parameter.scale.defined();
    parameter.value.set_data(parameter.value.detach().to(device, is_int8 ? at::kChar : type));
    if (is_int8) parameter.scale.set_data(parameter.scale.to(device, type));
  }
}

TensorMap Parameters::to_map() const {
  TensorMap map;
  for (const NamedParameter& parameter : list_)
    map[parameter.name] = Weight{parameter.value.detach(), parameter.scale}.dense();
  return map;
}

void Parameters::require_fit(const TensorMap& tensors, const std::string& source) const {
  for (const NamedParameter& parameter : list_) {
    const auto found = tensors.find(parameter.name);
    const Weight given{found == tensors.end() ? torch::Tensor() : found->second};
    require_fitting(given, parameter.name, parameter.value.sizes(), source);
  }
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
  for (NamedParameter& parameter : list_) {
    TVAE_ASSERT(!parameter.scale.defined(), "int8 weights are not written to: " + parameter.name);
    parameter.value.copy_(tensors.at(parameter.name));
  }
}

Linear::Linear(const Scope& scope, int64_t in, int64_t out, Init weight, std::optional<Init> bias, WeightKind kind)
    : weight_(scope.weight("weight", kind, {out, in}, weight)) {
  if (bias) bias_ = scope.vector("bias", {out}, *bias);
}

Linear Linear::without_bias(const Scope& scope, int64_t in, int64_t out, double std) {
  return {scope, in, out, Init::normal(std)};
}

Linear Linear::with_bias(const Scope& scope, int64_t in, int64_t out) {
  const auto init = Init::uniform(1.0 / std::sqrt(static_cast<double>(in)));
  return {scope, in, out, init, init};
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
