// tvae plan: the largest batch that fits, and what takes the memory.
#include <csignal>
#include <fstream>
#include <memory>

#include "apps/assignments.h"
#include "apps/verb.h"
#include "tvae/base/bytes.h"
#include "tvae/base/error.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/process.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"
#include "tvae/plan/plan.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/train_step.h"

namespace tvae::apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kTensorSizes = 10;  // shown

struct Options {
  std::vector<std::string> presets, assignments;
  std::string memory;
  int64_t batch = 0, mean_tokens = 0;
  bool measure = false;
  int64_t measured_batch = 0;  // this process is one measurement of another
};

/// A plan is also made for a GPU that is not there.
torch::DeviceType device_type(const std::string& name) {
  if (name.starts_with("cuda")) return torch::kCUDA;
  return parse_device(name).type();
}

int64_t parse_memory(const std::string& text) {
  const auto bytes = parse_bytes(text);
  if (!bytes) throw ConfigError("--memory", "\"" + text + "\"", "an amount such as 12GiB, 12GB or 500MiB");
  return *bytes;
}

/// This program with its own arguments, told to measure: a batch that does not fit must not end this process.
std::optional<MeasuredMemory> measure_in_another_process(int64_t batch) {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  arguments.insert(arguments.end(), {"--measure-batch", std::to_string(batch)});
  ChildProcess process("/proc/self/exe", arguments, {.quiet = log_level() != LogLevel::kVerbose});
  const std::string output = process.receive_all();
  const int status = process.wait();
  if (status > 0)
    throw DataError("the process that measures ended with status " + std::to_string(status), "", "",
                    "--verbose shows what it said");
  if (status == -SIGINT || status == -SIGTERM) throw Interrupted("interrupted while measuring");
  const Json found = status == 0 ? parse_json(output) : Json();
  if (!found.is_object()) return std::nullopt;  // null, or killed by the system for want of memory
  return MeasuredMemory{found.at("allocated"), found.at("reserved"), found.at("resident")};
}

std::string settings_text(const PlanRemedy& remedy) {
  std::vector<std::string> words;
  for (const auto& [key, value] : remedy.settings) words.push_back("--set " + key + "=" + value);
  return join(words, " ");
}

Json to_json(const Plan& plan, const PlanRequest& request, const Options& options, int64_t memory) {
  Json json = {{"memory", memory},
               {"device", request.device == torch::kCUDA ? "cuda" : "cpu"},
               {"precision", computes_in_bf16(request.config.train.precision, request.device) ? "bf16" : "fp32"},
               {"tokens_per_sequence", request.length},
               {"vocabulary", request.config.model.vocab_size},
               {"batch", plan.batch},
               {"tokens", plan.batch * request.length}};
  if (options.memory.empty()) json.erase("memory");
  for (const MemoryShare& share : plan.shares) json["predicted"][share.name] = share.bytes;
  json["predicted"]["total"] = plan.total;
  for (size_t i = 0; i < std::min(kTensorSizes, plan.activation_sizes.size()); ++i)
    json["activation_tensors"].push_back(
        {{"bytes", plan.activation_sizes[i].first}, {"count", plan.activation_sizes[i].second}});
  if (plan.measured) json["measured"]["batch"] = plan.measured->batch;
  if (plan.measured && plan.measured->memory) {
    const MeasuredMemory& memory_taken = *plan.measured->memory;
    json["measured"].update({{"charged", plan.measured->charged},
                             {"resident", memory_taken.resident},
                             {"allocated", memory_taken.allocated},
                             {"predicted", plan.measured->predicted}});
    if (request.device == torch::kCUDA) json["measured"]["reserved"] = memory_taken.reserved;
  }
  if (plan.batch == 0) json["advice"] = Json::array();
  for (const PlanRemedy& remedy : plan.remedies)
    json["advice"].push_back(settings_text(remedy) + ": " + bytes_text(remedy.bytes));
  if (plan.batch == 0)
    json["advice"].push_back(
        "shorter sequences (data.max_tokens), windows (model.attention_window_size), fewer or narrower layers");
  json["notes"] = request.notes;
  return json;
}

void print_share(const MemoryShare& share) {
  const std::string amount = bytes_text(share.bytes);
  std::string line = "  " + share.name + std::string(14 - share.name.size(), ' ');
  line += std::string(12 - std::min<size_t>(12, amount.size()), ' ') + amount;
  if (share.bytes > 0) print_line(share.about.empty() ? line : line + "   " + share.about);
}

void print_plan(const Plan& plan, const Json& json, const Options& options) {
  const auto value = [&json](const char* key) {
    return json.at(key).is_string() ? json.at(key).get<std::string>() : json.at(key).dump();
  };
  const std::string batch = value("batch") + " sequences (" + value("tokens") + " tokens)";
  print_line((plan.batch == 0     ? "not even one sequence fits into " + options.memory + "; one takes"
              : options.batch > 0 ? "a batch of " + batch + " takes"
                                  : "largest batch for " + options.memory + ": " + batch) +
             "   [" + value("tokens_per_sequence") + " tokens a sequence, " + value("precision") + ", " +
             value("device") + "]");
  for (const MemoryShare& share : plan.shares) print_share(share);
  print_share({"total", "", plan.total});
  if (json.contains("activation_tensors")) {
    print_line("activations, by the size of tensor");
    for (const Json& tensor : json.at("activation_tensors"))
      print_line("  " + tensor.at("count").dump() + " x " + bytes_text(tensor.at("bytes")));
  }
  if (plan.measured)
    print_line(plan.measured->memory
                   ? "measured: batch " + std::to_string(plan.measured->batch) + " takes " +
                         bytes_text(plan.measured->charged) + " (" + bytes_text(plan.measured->memory->allocated) +
                         " of it tensors), predicted " + bytes_text(plan.measured->predicted)
                   : "measured: does not fit");
  if (json.contains("advice")) {
    print_line("what one sequence would take with");
    for (const auto& line : json.at("advice")) print_line("  " + line.get<std::string>());
  }
  for (const auto& note : json.at("notes")) print_line("note: " + note.get<std::string>());
}

void plan(const Options& options, const CommonOptions& common) {
  if (options.memory.empty() && options.batch == 0)
    throw ConfigError("plan needs --memory", "", "an amount such as 12GiB", "or --batch N: what that batch takes");
  const int64_t memory = options.memory.empty() ? 0 : parse_memory(options.memory), free = measurable_bytes();
  const PlanRequest request = make_plan_request(resolve_config(options.presets, options.assignments),
                                                device_type(common.device), options.mean_tokens);
  if (options.measured_batch > 0) {
    const int64_t cap = options.batch > 0 ? free : std::min(memory, free);
    const auto peak = measure_within(request, options.measured_batch, parse_device(common.device), cap);
    return print_json(
        peak ? Json{{"allocated", peak->allocated}, {"reserved", peak->reserved}, {"resident", peak->resident}}
             : Json());
  }
  PlanOptions how{.memory = memory, .batch = options.batch, .activation_sizes = common.verbose};
  if (options.measure) {
    if (parse_device(common.device).is_cpu() && options.batch == 0 && memory > free)
      throw ConfigError("--measure takes the memory", options.memory,
                        "at most " + bytes_text(free) + ", what is free now",
                        "without --measure any amount can be planned");
    how.measure = measure_in_another_process;
  }
  const Plan made = make_plan(request, how);
  const Json json = to_json(made, request, options, memory);
  if (common.json)
    print_json(json);
  else
    print_plan(made, json, options);
}

const RegisterVerb registered(
    {"plan", "the largest batch that fits into memory", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("PRESET", options->presets, "presets, left to right");
       add_set_option(command, options->assignments);
       CLI::Option* memory =
           command.add_option("--memory", options->memory, "what there is, as 12GiB, 12GB, 500MiB")->take_last();
       command.add_option("--batch", options->batch, "what this batch takes, instead of the largest that fits")
           ->check(CLI::Range(int64_t{1}, kLargestPlannedBatch))
           ->take_last()
           ->excludes(memory);
       command
           .add_option("--mean-tokens", options->mean_tokens,
                       "plan for sequences of this length instead of the longest (batches are not padded)")
           ->check(CLI::PositiveNumber)
           ->take_last();
       command.add_flag("--measure", options->measure, "also run training steps, and look at what they take");
       command.add_option("--measure-batch", options->measured_batch)->group("");  // what --measure runs
       return [options, &common] { plan(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
