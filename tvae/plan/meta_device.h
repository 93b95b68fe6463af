// A training step on tensors that have shapes and no memory (PyTorch's meta device), every allocation counted.
#pragma once

#include <torch/library.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "tvae/ops/backend.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// While it lives, tensors of the meta device are counted as if they had memory, operations take the way they would on
/// `planned_device`, and those operations of a training step that libtorch lacks for this device are there: they give
/// tensors of the right shape, and every number asked for is 1. One at a time; its tensors must not outlive it.
class MetaDevice : c10::Allocator {
 public:
  explicit MetaDevice(torch::DeviceType planned_device);
  ~MetaDevice() override;
  MetaDevice(const MetaDevice&) = delete;
  MetaDevice& operator=(const MetaDevice&) = delete;

  /// Allocations so far, numbered from 0.
  size_t count() const { return bytes_.size(); }
  int64_t bytes(size_t allocation) const { return bytes_[allocation]; }
  /// How often the host would have waited for a GPU so far: it asked a tensor for a number, or copied from it, or to it
  /// without going on.
  int64_t waits() const { return waits_; }
  /// What an allocation of so many bytes takes.
  int64_t rounded(int64_t bytes) const { return (bytes + granularity_ - 1) / granularity_ * granularity_; }
  /// The allocation a tensor lives in; nullopt where it is of another device, or empty.
  std::optional<size_t> allocation_of(const torch::Tensor& tensor) const;
  /// The allocations alive when they are most bytes together, for the first time. Threads of a parallel region are
  /// taken to go in step, so that the answer does not hang on which of them was faster.
  std::vector<size_t> peak() const;

 private:
  struct Handle {
    MetaDevice* device;
    size_t allocation;
  };
  struct Event {
    size_t allocation;
    bool freed;
    int thread;  // of a parallel region; -1 = outside of one
  };
  void note(size_t allocation, bool freed);
  std::vector<Event> events_in_step() const;
  c10::DataPtr allocate(size_t bytes) override;
  void copy_data(void*, const void*, std::size_t) const override {}
  static void release(void* handle);

  PlannedDevice planned_device_;
  int64_t granularity_;  // bytes that allocations are rounded up to
  c10::Allocator* before_;
  torch::Library operations_;
  std::atomic<int64_t> waits_ = 0;
  std::mutex mutex_;
  std::vector<int64_t> bytes_;
  std::vector<Event> events_;
};

}  // namespace tvae
