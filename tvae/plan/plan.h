// The largest batch that fits into memory, what takes the memory, and what would take less: predicted, and measured.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tvae/config/presets.h"
#include "tvae/plan/memory_plan.h"
#include "tvae/plan/roofline.h"

namespace tvae {

/// What is planned: a training step of a run on a device that need not be there.
struct PlanRequest {
  RunConfig config;  // its model complete (complete_model_config)
  torch::DeviceType device = torch::kCPU;
  int64_t length = 0;              // tokens of a sequence
  bool bf16 = false;               // what it computes in, else fp32
  int processes = 1;               // that train together, each on a device of its own; the batch is each one's
  std::optional<Gpu> gpu;          // how fast the device is, where that is known
  int64_t program = 0;             // bytes of the program itself, which count on the CPU
  std::vector<std::string> notes;  // what is assumed, and what is not counted
};

/// `mean_tokens`: plan for sequences of this length (batches are not padded); 0 = the longest there may be. Throws
/// ConfigError for an impossible configuration, CheckpointError for a tokenizer that cannot be read.
PlanRequest make_plan_request(const ResolvedConfig& resolved, torch::DeviceType device, int64_t mean_tokens = 0);

/// Measures one batch, in a process of its own (see measure_within): nullopt where it does not fit.
using MeasureBatch = std::function<std::optional<MeasuredMemory>(int64_t batch)>;

struct PlanOptions {
  int64_t memory = 0;             // bytes that there are; not used where a batch is given
  int64_t batch = 0;              // what this batch takes; 0 = the largest that fits
  MeasureBatch measure = {};      // empty = predictions alone
  bool activation_sizes = false;  // also what the activations are made of
};

/// Keys and values of a configuration that takes less memory, and what one sequence would take with it in bytes.
struct PlanRemedy {
  std::vector<std::pair<std::string, std::string>> settings;
  int64_t bytes = 0;
};

/// A part of the memory that a step takes.
struct MemoryShare {
  std::string name;
  std::string about;  // in a few words, where the name does not say it
  int64_t bytes = 0;
};

struct MeasuredPlan {
  int64_t batch = 0;                     // 0 = not even one sequence fits, or the batch that was asked for does not
  std::optional<MeasuredMemory> memory;  // of that batch
  int64_t charged = 0;                   // what counts against the limit: resident, or on CUDA reserved memory
  int64_t predicted = 0;                 // bytes of that batch
};

struct Plan {
  int64_t batch = 0;                // sequences; 0 = not even one fits
  int64_t total = 0;                // bytes of that batch, or of one sequence
  std::vector<MemoryShare> shares;  // of the total
  AllocationSizes activation_sizes;
  std::optional<Roofline> roofline;  // of that batch, where the request has a GPU
  std::optional<MeasuredPlan> measured;
  std::vector<PlanRemedy> remedies;  // where nothing fits: each that helps, and all of them together
  std::string other_remedies;        // what else would, in words
};

/// Throws what `measure` throws, and ConfigError where it is to measure in more memory than is free.
Plan make_plan(const PlanRequest& request, const PlanOptions& options);

/// Measures one batch in this process, which on the CPU may from now on take `memory` bytes and no more (0, or more
/// than there are: most of what is free): nullopt where that is too little. Comes last in a process.
std::optional<MeasuredMemory> measure_within(const PlanRequest& request, int64_t batch, torch::Device device,
                                             int64_t memory);
/// What it gave, in a line.
std::string measurement_text(const std::optional<MeasuredMemory>& measured);
/// A MeasureBatch by a program that prints measurement_text: nullopt also where the system kills it for want of memory.
/// `arguments` with the program's name. Throws DataError where it fails, Interrupted where a signal asks it to stop.
std::optional<MeasuredMemory> measure_in_process(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace tvae
