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

WeightMap join_scales(TensorMap tensors, const std::string& source) {
  TensorMap scales;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.scalar_type() != at::kChar) continue;
    const auto scale = tensors.find(name + kScale);
    if (scale == tensors.end()) throw CheckpointError(source + " lacks the scale " + name + kScale);
    if (tensor.dim() != 2 || scale->second.sizes() != at::IntArrayRef({tensor.size(0), 1}) ||
        !scale->second.is_floating_point())
      throw CheckpointError(source + ": " + name + kScale + " does not fit " + name);
    if (!scale->second.isfinite().all().item<bool>())
      throw CheckpointError(source + ": numbers of " + name + kScale + " are not finite");
    scales[name] = scale->second.to(at::kFloat);
  }
  for (const auto& [name, scale] : scales) tensors.erase(name + kScale);
  WeightMap weights;
  for (auto& [name, tensor] : tensors) weights[name] = {std::move(tensor)};
  for (const auto& [name, scale] : scales) weights.at(name).scale = scale;
  return weights;
}

bool is_finite(const Weight& weight) {
  if (!weight.is_int8()) return !weight.values.is_floating_point() || weight.values.isfinite().all().item<bool>();
  if (weight.values.numel() == 0) return true;
  const torch::Tensor largest = weight.values.amax(1, true).to(at::kFloat).abs();
  const torch::Tensor smallest = weight.values.amin(1, true).to(at::kFloat).abs();
  return (at::maximum(largest, smallest) * weight.scale).isfinite().all().item<bool>();  // fp32 may overflow
}

}  // namespace tvae
