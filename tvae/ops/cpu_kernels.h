// Where operations use the CPU kernels of this folder. Elsewhere stock operations of libtorch stand in for them.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// The device whose way through the operations tensors of the meta device take: they have shapes and no memory
/// (train/memory_plan.h), so kernels allocate for them and compute nothing. The CPU, but while a guard lives.
class MetaStandsFor {
 public:
  explicit MetaStandsFor(torch::DeviceType device) : before_(device_) { device_ = device; }
  ~MetaStandsFor() { device_ = before_; }
  MetaStandsFor(const MetaStandsFor&) = delete;
  MetaStandsFor& operator=(const MetaStandsFor&) = delete;

  static torch::DeviceType device() { return device_; }

 private:
  static inline thread_local torch::DeviceType device_ = torch::kCPU;
  torch::DeviceType before_;
};

inline bool has_cpu_kernel(const torch::Tensor& x) {
  const torch::DeviceType device = x.is_meta() ? MetaStandsFor::device() : x.device().type();
  return device == torch::kCPU && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

}  // namespace tvae
