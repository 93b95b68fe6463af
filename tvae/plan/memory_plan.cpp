#include "tvae/plan/memory_plan.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "tvae/base/assert.h"
#include "tvae/base/memory.h"
#include "tvae/base/random.h"
#include "tvae/ops/linear_cross_entropy.h"
#include "tvae/plan/meta_device.h"
#include "tvae/plan/planned_processes.h"
#include "tvae/plan/product_count.h"
#include "tvae/train/train_step.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kFirstWord = 3;  // ids below are special

RunConfig with_precision(RunConfig config, torch::DeviceType device) {
  const bool is_fp32 = precision_on(device, config.train.precision) == Precision::kFp32;
  config.train.precision = is_fp32 ? "fp32" : "bf16";
  return config;
}

TokenBatch batch_of(const StepShape& shape) {
  const int64_t sequences = shape.sequences * shape.processes;
  TokenBatch batch;
  batch.ids.resize(sequences * shape.length);
  batch.groups = {{shape.length, sequences}};
  batch.rows.resize(sequences);
  std::iota(batch.rows.begin(), batch.rows.end(), int64_t{0});
  return batch;
}

/// Where several processes add up gradients, libtorch's Reducer has room for all of them from the start, and moves each
/// there once it is known.
struct IntoBucket : torch::autograd::PostAccumulateGradHook {
  explicit IntoBucket(const Tensor& weight) : place(at::zeros_like(weight.detach())) {}
  void operator()(const torch::autograd::Variable& weight) override { weight.mutable_grad() = place; }
  Tensor place;
};

/// The mmd regularizer compares with codes of former steps: as many as there will be.
void fill_code_queue(Objective& objective, const LossConfig& loss) {
  TensorMap state = objective.state();
  const auto queue = state.find("queue");
  if (queue == state.end()) return;
  std::vector<int64_t> shape = queue->second.sizes().vec();
  shape[0] = loss.mmd.queue;
  queue->second = at::zeros(shape, queue->second.options());
  objective.load_state(state);
}

/// Keeps the largest totals that the allocators report, from its first report on.
class PeakReporter : public c10::MemoryReportingInfoBase {
 public:
  explicit PeakReporter(torch::DeviceType device) : device_(device) {}
  void reportMemoryUsage(void*, int64_t size, size_t allocated, size_t reserved, c10::Device device) override {
    if (device.type() != device_) return;
    const auto now = static_cast<int64_t>(allocated);
    if (!before_) before_ = now - size;
    allocated_ = std::max(allocated_, now - *before_);
    reserved_ = std::max(reserved_, static_cast<int64_t>(reserved));
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t allocated() const { return allocated_; }
  int64_t reserved() const { return reserved_; }

 private:
  torch::DeviceType device_;
  std::optional<int64_t> before_;  // allocated in this process by others
  int64_t allocated_ = 0, reserved_ = 0;
};

}  // namespace

MemoryParts predict_memory(const RunConfig& config, const StepShape& shape, torch::DeviceType device,
                           AllocationSizes* activation_sizes) {
  return predict_step(config, shape, device, activation_sizes).memory;
}

PredictedStep predict_step(const RunConfig& requested, const StepShape& shape, torch::DeviceType device,
                           AllocationSizes* activation_sizes) {
  const RunConfig config = with_precision(requested, device);
  MetaDevice meta(device);
  std::vector<int64_t MemoryParts::*> part_of;  // each allocation
  const auto rest_is = [&](int64_t MemoryParts::*part) { part_of.resize(meta.count(), part); };
  const auto is = [&](const Tensor& tensor, int64_t MemoryParts::*part) {
    if (const auto allocation = meta.allocation_of(tensor)) part_of[*allocation] = part;
  };

  Rng rng(0);
  TransformerVae vae(config.model, rng, torch::kMeta);
  PlannedProcesses processes(shape.processes);
  TrainStep step(vae, config, processes);
  rest_is(&MemoryParts::weights);
  if (!processes.is_alone())
    for (const NamedParameter& parameter : vae.parameters().list())
      torch::autograd::impl::set_post_acc_grad_hooks(parameter.value, std::make_unique<IntoBucket>(parameter.value));
  rest_is(&MemoryParts::gradients);
  for (const auto& [name, tensor] : step.optimizer_state()) is(tensor, &MemoryParts::optimizer);
  for (const auto& [name, tensor] : step.average_state()) is(tensor, &MemoryParts::average);
  fill_code_queue(step.objective(), config.loss);

  // From the second micro-batch on, all gradients are there from the start.
  const int64_t micro_batches = std::min<int64_t>(config.train.accumulation_steps, 2);
  const TokenBatch batch = batch_of(shape);
  const TrainingPosition position;
  const size_t before_step = meta.count();
  const ProductCount products;
  for (int64_t i = 0; i < micro_batches; ++i)
    step.accumulate(batch, {micro_batches * batch.tokens(), micro_batches}, position, rng);
  const size_t first = part_of.size();
  rest_is(&MemoryParts::activations);
  for (const NamedParameter& parameter : vae.parameters().list()) is(parameter.value.grad(), &MemoryParts::gradients);
  for (const NamedParameter& parameter : step.masters()) is(parameter.value.grad(), &MemoryParts::gradients);
  const int64_t logits = logit_rows(shape.sequences * shape.length, config.model.vocab_size) * config.model.vocab_size;
  const int64_t head = config.model.vocab_size * config.model.d_model;
  const auto width = static_cast<int64_t>(elementSize(vae.dtype()));
  for (size_t i = first; i < part_of.size(); ++i) {  // known by their size
    if (part_of[i] != &MemoryParts::activations) continue;
    const auto holds = [&](int64_t bytes) { return meta.bytes(i) == meta.rounded(bytes); };
    if (holds(width * logits) || holds(4 * logits)) part_of[i] = &MemoryParts::logits;
    if (holds(width * head)) part_of[i] = &MemoryParts::gradients;  // shares that are yet to be added up
  }
  step.gather_gradients();
  rest_is(&MemoryParts::gradients);  // the masters'
  step.apply(position);
  rest_is(&MemoryParts::optimizer);

  PredictedStep predicted;
  predicted.products = products.operations();
  for (size_t i = before_step; i < meta.count(); ++i) predicted.allocated += meta.bytes(i);
  predicted.model = vae.parameters().count() * width;
  MemoryParts& parts = predicted.memory;
  std::map<int64_t, int64_t> sizes;
  for (const size_t allocation : meta.peak()) {
    parts.*part_of[allocation] += meta.bytes(allocation);
    if (part_of[allocation] == &MemoryParts::activations) ++sizes[meta.bytes(allocation)];
  }
  if (activation_sizes != nullptr) {
    activation_sizes->assign(sizes.begin(), sizes.end());
    std::sort(activation_sizes->begin(), activation_sizes->end(),
              [](const auto& a, const auto& b) { return a.first * a.second > b.first * b.second; });
  }
  return predicted;
}

MeasuredMemory measure_memory(const RunConfig& requested, const StepShape& shape, torch::Device device) {
  const RunConfig config = with_precision(requested, device.type());
  const auto reporter = std::make_shared<PeakReporter>(device.type());
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, reporter);
  Rng rng(0);
  TransformerVae vae(config.model, rng);
  vae.parameters().to(device, at::kFloat);
  TrainStep step(vae, config);
  fill_code_queue(step.objective(), config.loss);

  PortableRandom random(0, 0);
  MeasuredMemory peak;
  const int64_t micro_batches = std::min<int64_t>(config.train.accumulation_steps, 2);
  for (int i = 0; i < 2; ++i) {
    for (int64_t micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
      TokenBatch batch = batch_of(shape);
      for (int32_t& id : batch.ids)
        id = static_cast<int32_t>(kFirstWord + random.below(config.model.vocab_size - kFirstWord));
      step.accumulate(batch, {micro_batches * batch.tokens(), micro_batches}, {}, rng);
    }
    step.apply({});
    // Muon's threads free what they did not allocate, which is not reported: later totals would be too large.
    if (i == 0) peak.allocated = reporter->allocated();
  }
  peak.reserved = reporter->reserved();
  peak.resident = static_cast<int64_t>(peak_resident_memory());
  return peak;
}

int64_t largest_batch(const std::function<std::optional<int64_t>(int64_t batch)>& bytes, int64_t limit, int64_t first,
                      double tolerance) {
  TVAE_ASSERT(first >= 1, "a batch holds something");
  int64_t fits = 0, over = kLargestPlannedBatch + 1;
  std::vector<std::pair<int64_t, int64_t>> known;  // batch, bytes
  int64_t next = std::min(first, kLargestPlannedBatch);
  while (over - fits > 1 && static_cast<double>(over - fits) > tolerance * static_cast<double>(fits)) {
    const std::optional<int64_t> needed = bytes(next);
    (needed && *needed <= limit ? fits : over) = next;
    if (needed) known.emplace_back(next, *needed);
    int64_t guess = fits > 0 ? 2 * fits : over / 2;
    if (known.size() >= 2) {  // the line through the last two
      const auto [batch, at_batch] = known.back();
      const auto [other, at_other] = known[known.size() - 2];
      const double slope = static_cast<double>(at_batch - at_other) / static_cast<double>(batch - other);
      if (slope > 0) guess = batch + static_cast<int64_t>(static_cast<double>(limit - at_batch) / slope);
    }
    if (!needed || known.size() % 4 == 3) guess = fits + (over - fits) / 2;  // where it is no line
    next = std::clamp(guess, fits + 1, std::max(fits + 1, std::min(over - 1, 8 * std::max<int64_t>(fits, 1))));
  }
  return fits;
}

}  // namespace tvae
