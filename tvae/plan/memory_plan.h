// How much memory a training step needs: predicted without having it, and measured.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tvae/config/run_config.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// The micro-batches of a step, of each process.
struct StepShape {
  int64_t sequences = 1;  // each
  int64_t length = 1;     // tokens of every sequence
  int processes = 1;      // that train together, each with as much
};

/// Bytes at the moment of a step when most are in use.
struct MemoryParts {
  int64_t weights = 0;    // and their fp32 masters
  int64_t gradients = 0;  // as many as there are at that moment
  int64_t optimizer = 0;  // its state, and what it needs while it updates
  int64_t average = 0;    // train.ema_decay
  int64_t activations = 0;
  int64_t logits = 0;
  int64_t total() const { return weights + gradients + optimizer + average + activations + logits; }
};

/// What a step is for one of its processes.
struct PredictedStep {
  MemoryParts memory;
  double products = 0;    // operations of its matrix products; our CPU kernels' are not counted
  int64_t allocated = 0;  // bytes, of all that it allocates one after the other
  int64_t model = 0;      // bytes of the weights that it computes with
};

/// Size of one allocation that is alive at that moment, and how many there are of it.
using AllocationSizes = std::vector<std::pair<int64_t, int64_t>>;

/// Runs a training step, optimizer included, on tensors without memory, and counts what it allocates: the prediction is
/// the program's own. `config.model` is complete (complete_model_config). On the CPU it is exact but for the scratch
/// memory of single kernels; on CUDA it is what the caching allocator hands out, without the blocks it keeps in
/// reserve. Losses between codes (critic, cycle, smoothness), which run every now and then, are not in it.
/// `activation_sizes`: where wanted, what the activations are made of, most bytes first.
PredictedStep predict_step(const RunConfig& config, const StepShape& shape, torch::DeviceType device,
                           AllocationSizes* activation_sizes = nullptr);
/// Its memory alone.
MemoryParts predict_memory(const RunConfig& config, const StepShape& shape, torch::DeviceType device,
                           AllocationSizes* activation_sizes = nullptr);

/// Peaks of real training steps.
struct MeasuredMemory {
  int64_t allocated = 0;  // by tensors
  int64_t reserved = 0;   // by the caching allocator (CUDA)
  int64_t resident = 0;   // of this process, ever, as the operating system counts
};

/// Builds the model with random weights and trains it two steps on random ids. Without the memory it ends as libtorch
/// ends (c10::Error, std::bad_alloc); the caller limits the process.
MeasuredMemory measure_memory(const RunConfig& config, const StepShape& shape, torch::Device device);

/// The largest batch for which bytes(batch) is at most `limit`, 0 where one sequence is too much. bytes() grows with
/// the batch, nearly along a line; nullopt = did not fit. Starts at `first`, and stops where the batch is known to
/// within `tolerance` (a share of it).
int64_t largest_batch(const std::function<std::optional<int64_t>(int64_t batch)>& bytes, int64_t limit,
                      int64_t first = 1, double tolerance = 0.0);

/// The search ends here.
constexpr int64_t kLargestPlannedBatch = 1 << 16;

}  // namespace tvae
