// Small tensors made on the host, such as indices, for a device that works on its own.
#pragma once

#include <vector>

#include "tvae/ops/torch.h"

namespace tvae {

/// `x` on `device`; itself where it is there. The host does not wait for what the device has still to do: CUDA takes a
/// copy of ordinary (pageable) memory before this returns, so that `x` may go. Not for a copy from a device to the
/// host, whose numbers would not be there yet.
inline torch::Tensor on_device(const torch::Tensor& x, torch::Device device) {
  return x.to(device, x.scalar_type(), /*non_blocking=*/true);
}

inline torch::Tensor on_device(const std::vector<int64_t>& numbers, torch::Device device) {
  return on_device(torch::tensor(numbers, at::kLong), device);
}

}  // namespace tvae
