#include "tvae/plan/plan.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <limits>

#include "tvae/base/bytes.h"
#include "tvae/base/error.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/memory.h"
#include "tvae/base/process.h"
#include "tvae/ops/out_of_memory.h"
#include "tvae/text/tokenizer.h"
#include "tvae/train/setup.h"
#include "tvae/train/train_step.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kT5Vocabulary = 32128;
constexpr double kMeasuredTolerance = 0.05;  // share of the batch; a measurement takes two training steps
constexpr double kUsableShare = 0.9;         // of the free memory, for measurements
constexpr rlim_t kThreadStack = 8 << 20;     // where the system sets no limit; stacks count as data

int64_t vocabulary_of(const ResolvedConfig& resolved, std::vector<std::string>& notes) {
  const RunConfig& config = resolved.config;
  if (!config.data.tokenizer.empty()) return Tokenizer::load(config.data.tokenizer).size();
  if (config.model.vocab_size > 0) return config.model.vocab_size;
  if (resolved.origins.contains("data.vocab_size")) return config.data.vocab_size;  // one that the run trains
  notes.push_back("a vocabulary of " + std::to_string(kT5Vocabulary) +
                  " ids is assumed, T5's; data.tokenizer or model.vocab_size says otherwise");
  return kT5Vocabulary;
}

int64_t predicted_total(const PlanRequest& request, int64_t batch) {
  return predict_memory(request.config, {batch, request.length, request.processes}, request.device).total() +
         request.program;
}

int64_t charged(const PlanRequest& request, const MeasuredMemory& memory) {
  return request.device == torch::kCUDA ? memory.reserved : memory.resident;
}

std::vector<MemoryShare> shares_of(const MemoryParts& parts, int64_t program) {
  return {{"weights", "", parts.weights},
          {"gradients", "those that are there when most memory is in use", parts.gradients},
          {"optimizer", "", parts.optimizer},
          {"average", "of the weights (train.ema_decay)", parts.average},
          {"activations", "what the backward pass needs, and what is passed on", parts.activations},
          {"logits", "of one chunk of tokens", parts.logits},
          {"program", "this program and its libraries", program}};
}

/// Of the memory that is free on this machine, what a measurement may take.
int64_t measurable_bytes() {
  const auto available = std::min<uint64_t>(available_memory(), std::numeric_limits<int64_t>::max());
  return static_cast<int64_t>(kUsableShare * static_cast<double>(available));
}

void require_measurable(const PlanRequest& request, const PlanOptions& options) {
  if (request.device == torch::kCPU && options.batch == 0 && options.memory > measurable_bytes())
    throw ConfigError("the memory to measure in", bytes_text(options.memory),
                      "at most " + bytes_text(measurable_bytes()) + ", what is free now",
                      "without measurements any amount can be planned");
}

/// Each change that helps, and all of them together.
std::vector<PlanRemedy> remedies_for(const PlanRequest& request) {
  std::vector<decltype(PlanRemedy::settings)> changes = {
      {{"train.recompute.encoder", "true"}, {"train.recompute.decoder", "1"}},
      {{"train.optimizer", "adafactor"}},
      {{"train.ema_decay", "0"}}};
  if (request.device == torch::kCUDA) changes.push_back({{"train.precision", "bf16"}});  // the CPU's is for speed
  const auto with = [&](const decltype(PlanRemedy::settings)& settings) {
    PlanRequest changed = request;
    for (const auto& [key, value] : settings) set_field(changed.config, key, value);
    return PlanRemedy{settings, predicted_total(changed, 1)};
  };
  std::vector<PlanRemedy> helpful;
  decltype(PlanRemedy::settings) all;
  const int64_t before = predicted_total(request, 1);
  for (const auto& settings : changes) {
    PlanRemedy remedy = with(settings);
    if (remedy.bytes >= before) continue;
    helpful.push_back(std::move(remedy));
    all.insert(all.end(), settings.begin(), settings.end());
  }
  if (helpful.size() > 1) helpful.push_back(with(all));
  return helpful;
}

MeasuredPlan measure_plan(const PlanRequest& request, const PlanOptions& options, int64_t predicted) {
  std::vector<std::pair<int64_t, MeasuredMemory>> fitting;
  const auto measured = [&](int64_t batch) -> std::optional<int64_t> {
    const std::optional<MeasuredMemory> memory = options.measure(batch);
    log_info("batch " + std::to_string(batch) + ": " +
             (memory ? bytes_text(charged(request, *memory)) : "does not fit"));
    if (!memory) return std::nullopt;
    fitting.emplace_back(batch, *memory);
    return charged(request, *memory);
  };
  MeasuredPlan plan;
  if (options.batch > 0)
    plan.batch = measured(options.batch) ? options.batch : 0;
  else
    plan.batch = largest_batch(measured, options.memory, std::max<int64_t>(predicted, 1), kMeasuredTolerance);
  for (const auto& [batch, memory] : fitting)
    if (batch == plan.batch) {
      plan.memory = memory;
      plan.charged = charged(request, memory);
      plan.predicted = predicted_total(request, batch);
    }
  return plan;
}

}  // namespace

PlanRequest make_plan_request(const ResolvedConfig& resolved, torch::DeviceType device, int64_t mean_tokens) {
  PlanRequest request;
  request.config = resolved.config;
  request.config.model = complete_model_config(resolved.config, vocabulary_of(resolved, request.notes));
  request.device = device;
  request.bf16 = precision_on(device, resolved.config.train.precision) != Precision::kFp32;
  const int64_t longest = resolved.config.data.max_tokens;
  request.length = mean_tokens > 0 ? mean_tokens : longest;
  if (request.length > longest)
    throw ConfigError("mean tokens of a sequence", std::to_string(request.length),
                      "at most data.max_tokens, " + std::to_string(longest));
  const LossConfig& loss = resolved.config.loss;
  if (loss.critic.score != "none" || loss.cycle_weight > 0 || loss.smoothness != "none")
    request.notes.emplace_back(
        "losses between codes (critic, cycle, smoothness) decode text of their own now and then: "
        "that is not counted");
  if (device == torch::kCUDA) {
    request.notes.emplace_back(
        "on CUDA the driver's context and what the caching allocator keeps in reserve come on top");
  } else {
    request.program = static_cast<int64_t>(peak_resident_memory());
    request.notes.emplace_back(
        "what the C library keeps in its free lists comes on top (docs/memory.md); a measurement counts it");
  }
  return request;
}

Plan make_plan(const PlanRequest& request, const PlanOptions& options) {
  if (options.measure) require_measurable(request, options);
  Plan plan;
  const auto bytes = [&](int64_t batch) { return predicted_total(request, batch); };
  plan.batch = options.batch > 0 ? options.batch : largest_batch(bytes, options.memory);
  const StepShape shape{std::max<int64_t>(plan.batch, 1), request.length, request.processes};
  const MemoryParts parts = predict_memory(request.config, shape, request.device,
                                           options.activation_sizes ? &plan.activation_sizes : nullptr);
  plan.total = parts.total() + request.program;
  plan.shares = shares_of(parts, request.program);
  if (options.measure) plan.measured = measure_plan(request, options, plan.batch);
  if (request.gpu && plan.batch > 0) plan.roofline = roofline(request.config, shape, *request.gpu);
  if (plan.batch > 0) return plan;
  plan.remedies = remedies_for(request);
  plan.other_remedies =
      "shorter sequences (data.max_tokens), windows (model.attention_window.size), fewer or narrower layers, more "
      "processes, which share out what the optimizer has";
  return plan;
}

std::optional<MeasuredMemory> measure_within(const PlanRequest& request, int64_t batch, torch::Device device,
                                             int64_t memory) {
  if (device.is_cpu()) {
    const int64_t cap = memory > 0 ? std::min(memory, measurable_bytes()) : measurable_bytes();
    rlimit stack{};
    getrlimit(RLIMIT_STACK, &stack);
    const rlim_t stack_bytes = stack.rlim_cur == RLIM_INFINITY ? kThreadStack : stack.rlim_cur;
    const rlim_t data = static_cast<rlim_t>(cap) + stack_bytes * static_cast<rlim_t>(at::get_num_threads());
    const rlimit limit{data, data};
    setrlimit(RLIMIT_DATA, &limit);
  }
  try {
    return measure_memory(request.config, {batch, request.length}, device);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    return std::nullopt;
  }
}

std::string measurement_text(const std::optional<MeasuredMemory>& measured) {
  const Json json =
      measured
          ? Json{{"allocated", measured->allocated}, {"reserved", measured->reserved}, {"resident", measured->resident}}
          : Json();
  return json.dump();
}

std::optional<MeasuredMemory> measure_in_process(const std::string& program,
                                                 const std::vector<std::string>& arguments) {
  ChildProcess process(program, arguments, {.quiet = log_level() != LogLevel::kVerbose});
  const std::string output = process.receive_all();
  const int status = process.wait();
  if (status > 0)
    throw DataError("the process that measures ended with status " + std::to_string(status), "", "",
                    "a verbose log shows what it said");
  if (status == -SIGINT || status == -SIGTERM) throw Interrupted("interrupted while measuring");
  const Json found = status == 0 ? parse_json(output) : Json();
  if (!found.is_object()) return std::nullopt;
  return MeasuredMemory{found.at("allocated"), found.at("reserved"), found.at("resident")};
}

}  // namespace tvae
