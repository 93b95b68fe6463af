#include "tvae/run/quantized_weights.h"

#include "tvae/base/error.h"

namespace tvae {
namespace {

constexpr char kScale[] = "_scale";
constexpr double kLargest = 127.0;

}  // namespace

TensorMap quantize_int8(const TensorMap& weights) {
  TensorMap result;
  for (const auto& [name, weight] : weights) {
    const torch::Tensor wide = weight.to(at::kCPU, at::kFloat);
    if (wide.dim() != 2) {
      result[name] = wide;
      continue;
    }
    const torch::Tensor scale = (wide.abs().amax(1, /*keepdim=*/true) / kLargest).clamp_min(1e-12);
    result[name] = (wide / scale).round().to(at::kChar);
    result[name + kScale] = scale;
  }
  return result;
}

TensorMap dequantize(TensorMap weights, const std::string& source) {
  TensorMap scales;
  for (const auto& [name, weight] : weights) {
    if (weight.scalar_type() != at::kChar) continue;
    const auto scale = weights.find(name + kScale);
    if (scale == weights.end()) throw CheckpointError(source + " lacks the scale " + name + kScale);
    if (weight.dim() != 2 || scale->second.sizes() != at::IntArrayRef({weight.size(0), 1}) ||
        !scale->second.is_floating_point())
      throw CheckpointError(source + ": " + name + kScale + " does not fit " + name);
    if (!scale->second.isfinite().all().item<bool>())
      throw CheckpointError(source + ": numbers of " + name + kScale + " are not finite");
    scales.insert(*scale);
  }
  for (const auto& [name, scale] : scales) {
    weights.erase(name);
    torch::Tensor& weight = weights.at(name.substr(0, name.size() - (sizeof(kScale) - 1)));
    weight = weight.to(at::kFloat) * scale.to(at::kFloat);
  }
  return weights;
}

}  // namespace tvae
