// tvae plan: the largest batch that fits, and what takes the memory.
#include <fstream>
#include <memory>

#include "apps/assignments.h"
#include "apps/verb.h"
#include "tvae/base/bytes.h"
#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"
#include "tvae/plan/plan_report.h"
#include "tvae/run/model_directory.h"

namespace tvae::apps {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> presets, assignments;
  std::string memory, gpu;
  int processes = 1;
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
  return measure_in_process("/proc/self/exe", arguments);
}

Json advice_of(const Plan& plan) {
  Json advice = Json::array();
  for (const PlanRemedy& remedy : plan.remedies) {
    std::vector<std::string> words;
    for (const auto& [key, value] : remedy.settings) words.push_back("--set " + key + "=" + value);
    advice.push_back(join(words, " ") + ": " + bytes_text(remedy.bytes));
  }
  if (!plan.other_remedies.empty()) advice.push_back(plan.other_remedies);
  return advice;
}

void print_plan(const Plan& plan, const PlanRequest& request, const Options& options) {
  const auto [batch, planned_for] = plan_headline(plan, request);
  print_line((plan.batch == 0     ? "not even one sequence fits into " + options.memory + "; one takes"
              : options.batch > 0 ? "a batch of " + batch + " takes"
                                  : "largest batch for " + options.memory + ": " + batch) +
             "   " + planned_for);
  for (const std::string& line : plan_table(plan)) print_line(line);
  const Json advice = advice_of(plan);
  if (!advice.empty()) print_line(plan.remedies.empty() ? "what would help" : "what one sequence would take with");
  for (const Json& line : advice) print_line("  " + line.get<std::string>());
  for (const std::string& note : request.notes) print_line("note: " + note);
}

void plan(const Options& given, const CommonOptions& common) {
  Options options = given;
  const std::optional<Gpu> gpu =
      options.gpu.empty() ? std::nullopt : std::optional(gpus().find(lower_case(options.gpu)));
  if (gpu && options.measure) throw ConfigError("--measure", "--gpu", "one of them", "a GPU that is there is --device");
  if (gpu && common.device != "auto")
    throw ConfigError("--device " + common.device, "--gpu", "one of them", "--gpu is a device that need not be there");
  if (options.processes > 1 && options.measure)
    throw ConfigError("--measure", "--processes", "one of them", "what is measured is one process by itself");
  if (options.memory.empty() && options.batch == 0) {
    if (!gpu)
      throw ConfigError("plan needs --memory", "", "an amount such as 12GiB", "or --batch N: what that batch takes");
    options.memory = bytes_text(gpu->memory * 9 / 10);
  }
  PlanOptions how{.batch = options.batch, .activation_sizes = common.verbose};
  if (!options.memory.empty()) how.memory = parse_memory(options.memory);
  PlanRequest request = make_plan_request(resolve_config(options.presets, options.assignments),
                                          gpu ? torch::kCUDA : device_type(common.device), options.mean_tokens);
  request.gpu = gpu;
  request.processes = options.processes;
  if (options.processes > 1)
    request.notes.push_back("train.batch_size is that of all " + std::to_string(options.processes) +
                            " processes together: as many times the batch above");
  if (gpu && given.memory.empty() && given.batch == 0)
    request.notes.push_back(options.memory + " is nine tenths of the GPU's memory (--memory says otherwise)");
  if (options.measured_batch > 0)
    return print_line(
        measurement_text(measure_within(request, options.measured_batch, parse_device(common.device), how.memory)));
  if (options.measure) {
    parse_device(common.device);  // which has to be there
    how.measure = measure_in_another_process;
  }
  const Plan made = make_plan(request, how);
  if (!common.json) return print_plan(made, request, options);
  Json json = plan_report(made, request, how);
  if (const Json advice = advice_of(made); !advice.empty()) json["advice"] = advice;
  json["notes"] = request.notes;
  print_json(json);
}

const Register<SetUpVerb> registered(
    verbs(),
    {"plan", "the largest batch that fits into memory", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("PRESET", options->presets, "presets, left to right");
       add_set_option(command, options->assignments);
       CLI::Option* memory = command.add_option("--memory", options->memory, "what there is, as 12GiB, 12GB, 500MiB")
                                 ->type_name("SIZE")
                                 ->take_last();
       command.add_option("--batch", options->batch, "what this batch takes, instead of the largest that fits")
           ->check(in_range(1, kLargestPlannedBatch))
           ->take_last()
           ->excludes(memory);
       command
           .add_option("--mean-tokens", options->mean_tokens,
                       "plan for sequences of this length instead of the longest (batches are not padded)")
           ->check(in_range(1))
           ->take_last();
       command.add_option("--processes", options->processes, "that train together, each on a device of its own")
           ->check(in_range(1, 512))
           ->take_last();
       command
           .add_option("--gpu", options->gpu,
                       "plan for such a GPU in bf16, and say how fast it should be: " + join(gpus().names(), ", "))
           ->type_name("NAME")
           ->take_last();
       command.add_flag("--measure", options->measure, "also run training steps, and look at what they take");
       command.add_option("--measure-batch", options->measured_batch)->group("");  // what --measure runs
       add_examples(command, {"tvae plan lines_small --memory 8GiB", "tvae plan t5_base --gpu a100 --processes 8",
                              "tvae plan lines_small --batch 64 --measure"});
       return [options, &common] { plan(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
