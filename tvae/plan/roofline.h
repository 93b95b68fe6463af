// How fast training should be on GPUs that need not be there, by what they can compute, read and send at most.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "tvae/base/registry.h"
#include "tvae/config/run_config.h"
#include "tvae/plan/memory_plan.h"

namespace tvae {

/// A GPU as its maker's data sheet has it, in the machines that are usual for it.
struct Gpu {
  int64_t memory = 0;      // bytes
  double products = 0.0;   // operations a second of dense bf16 products
  double bandwidth = 0.0;  // bytes a second of its memory
  double link = 0.0;       // bytes a second to another one of its machine, one way
  double network = 0.0;    // and to one of another machine, its share of the network
};

/// By name.
Registry<Gpu>& gpus();

constexpr int64_t kGpusAMachine = 8;  // at most

/// What a step is, and how long it takes at the GPU's own speeds.
struct Roofline {
  int64_t micro_batches = 1;
  double operations = 0.0;         // of the products of a process, a micro-batch
  double traffic = 0.0;            // bytes that it reads and writes
  double gradient_bytes = 0.0;     // summed over all processes
  double weight_bytes = 0.0;       // sent by those that update them, a step
  double compute_seconds = 0.0;    // products and traffic of a micro-batch, one after the other
  double sum_seconds = 0.0;        // of its gradients, while the backward pass goes on
  double send_seconds = 0.0;       // of weights, after the last one
  double tokens_per_second = 0.0;  // of all processes

  double seconds() const {
    return static_cast<double>(micro_batches) * std::max(compute_seconds, sum_seconds) + send_seconds;
  }
};

/// `shape.processes` of these GPUs train together, each with a batch of `shape`. The step itself is run on tensors
/// without memory in bf16, and its products and allocations are counted: what it allocates is written once and read
/// once, a product and what it reads and writes take their time one after the other. Sums go around a ring, twice
/// (N - 1) / N of the bytes by each link.
Roofline roofline(const RunConfig& config, const StepShape& shape, const Gpu& gpu);

}  // namespace tvae
