// Which implementation of the operations of this folder a tensor takes.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

enum class Backend {
  kCpu,    // our kernels (NAME_cpu.cpp), for fp32 and fp64 on the CPU
  kStock,  // compositions of libtorch's own operations, for every other device and type
};

/// While one lives, tensors of the meta device, which have shapes and no memory (plan/meta_device.h), take the way of
/// the planned device through the operations; kernels allocate for them and compute nothing. Without one they take the
/// CPU's. Of the thread that made it.
class PlannedDevice {
 public:
  explicit PlannedDevice(torch::DeviceType device) : before_(type_) { type_ = device; }
  ~PlannedDevice() { type_ = before_; }
  PlannedDevice(const PlannedDevice&) = delete;
  PlannedDevice& operator=(const PlannedDevice&) = delete;

  static torch::DeviceType type() { return type_; }

 private:
  static inline thread_local torch::DeviceType type_ = torch::kCPU;
  torch::DeviceType before_;
};

/// While one lives that is enabled, tensors of every device and type take the compositions, so that what a GPU is to
/// compute can be computed, and tested, without one. Of the thread that made it.
class StockOperations {
 public:
  explicit StockOperations(bool enable) : before_(enabled_) { enabled_ = enable; }
  ~StockOperations() { enabled_ = before_; }
  StockOperations(const StockOperations&) = delete;
  StockOperations& operator=(const StockOperations&) = delete;

  static bool enabled() { return enabled_; }

 private:
  static inline thread_local bool enabled_ = false;
  bool before_;
};

inline Backend backend_of(const torch::Tensor& x) {
  if (StockOperations::enabled()) return Backend::kStock;
  const torch::DeviceType device = x.is_meta() ? PlannedDevice::type() : x.device().type();
  const bool has_kernel = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  return device == torch::kCPU && has_kernel ? Backend::kCpu : Backend::kStock;
}

}  // namespace tvae
