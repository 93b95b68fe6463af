// How fast training can be on GPUs that need not be there: what they can compute, read and send at most.
#pragma once

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

/// Seconds of a step, none of which can be shorter.
struct Roofline {
  double operations = 0.0;         // of the products of a process
  double traffic = 0.0;            // bytes that it reads and writes
  double gradient_bytes = 0.0;     // summed over all processes
  double weight_bytes = 0.0;       // sent by those that update them
  double compute_seconds = 0.0;    // products and traffic, one after the other
  double sum_seconds = 0.0;        // of gradients, while the backward pass goes on
  double send_seconds = 0.0;       // of weights, after it
  double tokens_per_second = 0.0;  // of all processes

  double seconds() const { return std::max(compute_seconds, sum_seconds) + send_seconds; }
};

/// `shape.processes` of these GPUs train together, each with a batch of `shape`. The step itself is run on tensors
/// without memory, and its products and allocations are counted: what it allocates is written once and read once at
/// least. Sums go around a ring, twice (N - 1) / N of the bytes by each link.
Roofline roofline(const RunConfig& config, const StepShape& shape, const Gpu& gpu);

}  // namespace tvae
