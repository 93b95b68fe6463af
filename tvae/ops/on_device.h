// Small tensors made on the host, such as indices, for a device that works on its own.
#pragma once

#include <vector>

#include "tvae/base/assert.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// `x` on `device`; itself where it is there. The host need not wait for what the device has still to do: CUDA takes a
/// copy of ordinary (pageable) memory before this returns, so that `x` may go. (Of more than some 64 KiB it may wait
/// all the same, as its documentation has it.) Not for a copy from a device to the host, whose numbers would not be
/// there yet.
inline torch::Tensor on_device(const torch::Tensor& x, torch::Device device) {
  TVAE_ASSERT(x.device() == device || !device.is_cpu(), "a copy to a device");
  return x.to(device, x.scalar_type(), /*non_blocking=*/true);
}

inline torch::Tensor on_device(const std::vector<int64_t>& numbers, torch::Device device) {
  return on_device(torch::tensor(numbers, at::kLong), device);
}

}  // namespace tvae
