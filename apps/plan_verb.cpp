// tvae plan: the largest batch that fits, and what takes the memory.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <torch/cuda.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include "apps/verb.h"
#include "tvae/base/assert.h"
#include "tvae/base/bytes.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"
#include "tvae/plan/memory_plan.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/setup.h"
#include "tvae/train/train_step.h"

extern char** environ;

namespace tvae::apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kT5Vocabulary = 32128;
constexpr double kMeasuredTolerance = 0.05;  // share of the batch; a measurement takes two training steps
constexpr double kUsableShare = 0.9;         // of the free memory, for measurements

struct Options {
  std::vector<std::string> presets, assignments;
  std::string memory;
  int64_t batch = 0, mean_tokens = 0;
  bool measure = false;
  int64_t measured_batch = 0;  // this process is one measurement of another
};

/// What is planned.
struct Request {
  RunConfig config;  // model complete
  torch::DeviceType device = torch::kCPU;
  int64_t length = 0;   // tokens of a sequence
  int64_t program = 0;  // bytes of the program itself, which count on the CPU
  std::vector<std::string> notes;
};

/// A plan is also made for a GPU that is not there.
torch::DeviceType device_type(const std::string& name) {
  if (name.starts_with("cuda")) return torch::kCUDA;
  return parse_device(name).type();
}

int64_t vocabulary_of(const ResolvedConfig& resolved, std::vector<std::string>& notes) {
  const RunConfig& config = resolved.config;
  if (!config.data.tokenizer.empty()) return Tokenizer::load(config.data.tokenizer).size();
  if (config.model.vocab_size > 0) return config.model.vocab_size;
  if (resolved.origins.contains("data.vocab_size")) return config.data.vocab_size;  // one that the run trains
  notes.push_back("a vocabulary of " + std::to_string(kT5Vocabulary) +
                  " ids is assumed, T5's; --set data.tokenizer=DIR or --set model.vocab_size=N says otherwise");
  return kT5Vocabulary;
}

Request make_request(const Options& options, const CommonOptions& common) {
  const ResolvedConfig resolved = resolve_config(options.presets, options.assignments);
  Request request;
  request.config = resolved.config;
  request.config.model = complete_model_config(resolved.config, vocabulary_of(resolved, request.notes));
  request.device = device_type(common.device);
  request.length = options.mean_tokens > 0 ? options.mean_tokens : resolved.config.data.max_tokens;
  if (request.length > resolved.config.data.max_tokens)
    throw ConfigError("--mean-tokens", std::to_string(request.length),
                      "at most data.max_tokens, " + std::to_string(resolved.config.data.max_tokens));
  const LossConfig& loss = resolved.config.loss;
  if (loss.critic != "none" || loss.cycle_weight > 0 || loss.smoothness != "none")
    request.notes.push_back(
        "losses between codes (critic, cycle, smoothness) decode text of their own now and then: "
        "that is not counted");
  if (request.device == torch::kCUDA) {
    request.notes.push_back("on CUDA the driver's context and what the caching allocator keeps in reserve come on top");
  } else {
    request.program = peak_resident_bytes();
    request.notes.push_back(
        "what the C library keeps in its free lists comes on top (docs/memory.md); --measure counts it");
  }
  return request;
}

MemoryParts predict(const Request& request, int64_t batch) {
  return predict_memory(request.config, {batch, request.length}, request.device);
}

int64_t predicted_total(const Request& request, int64_t batch) {
  return predict(request, batch).total() + request.program;
}

int64_t parse_memory(const std::string& text) {
  const auto bytes = parse_bytes(text);
  if (!bytes) throw ConfigError("--memory", "\"" + text + "\"", "an amount such as 12GiB, 12GB or 500MiB");
  return *bytes;
}

// ---- measuring: every batch in a process of its own, which may take the memory and no more ----

/// Of one thread, where the system sets no limit; stacks count as data.
constexpr rlim_t kThreadStack = 8 << 20;

/// What the child does.
void measure_here(const Request& request, const Options& options, const CommonOptions& common, int64_t cap) {
  const torch::Device device = parse_device(common.device);
  if (device.is_cpu()) {
    rlimit stack{};
    getrlimit(RLIMIT_STACK, &stack);
    const rlim_t stack_bytes = stack.rlim_cur == RLIM_INFINITY ? kThreadStack : stack.rlim_cur;
    const rlim_t data = static_cast<rlim_t>(cap) + stack_bytes * static_cast<rlim_t>(at::get_num_threads());
    const rlimit limit{data, data};
    setrlimit(RLIMIT_DATA, &limit);
  }
  try {
    const MeasuredMemory peak = measure_memory(request.config, {options.measured_batch, request.length}, device);
    print_json({{"allocated", peak.allocated}, {"reserved", peak.reserved}, {"resident", peak.resident}});
  } catch (const std::bad_alloc&) {
    print_json(nullptr);
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (what.find("allocate memory") == std::string::npos && what.find("out of memory") == std::string::npos) throw;
    print_json(nullptr);
  }
}

/// This program with its own arguments and `more`.
std::string run_again(const std::vector<std::string>& more) {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  std::array<int, 2> ends{};
  TVAE_ASSERT(pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe can be made");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  // libtorch announces that it is out of memory, which is an answer here.
  if (log_level() != LogLevel::kVerbose)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const int error = posix_spawn(&process, "/proc/self/exe", &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string output;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; error == 0 && (n = read(ends[0], buffer.data(), buffer.size())) > 0;)
    output.append(buffer.data(), static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  if (error != 0 || waitpid(process, &status, 0) != process)
    throw DataError("--measure cannot start a process", std::strerror(error != 0 ? error : errno));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  if (WIFEXITED(status))
    throw DataError("the process that measures ended with status " + std::to_string(WEXITSTATUS(status)), "", "",
                    "--verbose shows what it said");
  // Killed by the system, or a library that could not go on without memory.
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM))
    throw Interrupted("interrupted while measuring");
  return "null";
}

struct Trial {
  int64_t batch;
  std::optional<MeasuredMemory> memory;  // nullopt = did not fit
};

class Measurements {
 public:
  explicit Measurements(const Request& request) : request_(request) {}

  /// What counts against the limit: what the system sees, or on CUDA what the allocator took from the card.
  std::optional<int64_t> operator()(int64_t batch) {
    const Json found = Json::parse(run_again({"--measure-batch", std::to_string(batch)}));
    Trial trial{batch, std::nullopt};
    if (!found.is_null()) trial.memory = {found.at("allocated"), found.at("reserved"), found.at("resident")};
    log_info("batch " + std::to_string(batch) + ": " +
             (trial.memory ? bytes_text(charged(*trial.memory)) : "does not fit"));
    trials_.push_back(trial);
    return trial.memory ? std::optional<int64_t>(charged(*trial.memory)) : std::nullopt;
  }
  const MeasuredMemory* at(int64_t batch) const {
    for (const Trial& trial : trials_)
      if (trial.batch == batch && trial.memory) return &*trial.memory;
    return nullptr;
  }
  int64_t charged(const MeasuredMemory& memory) const {
    return request_.device == torch::kCUDA ? memory.reserved : memory.resident;
  }

 private:
  const Request& request_;
  std::vector<Trial> trials_;
};

// ---- what would help where nothing fits ----

struct Remedy {
  std::string what;
  std::function<void(RunConfig&)> apply;
};

const std::vector<Remedy>& remedies() {
  static const std::vector<Remedy> list = {
      {"--set model.gradient_checkpoint_encoder=true --set model.gradient_checkpoint_decoder=1",
       [](RunConfig& config) {
         config.model.gradient_checkpoint_encoder = true;
         config.model.gradient_checkpoint_decoder = 1;
       }},
      {"--set train.optimizer=adafactor", [](RunConfig& config) { config.train.optimizer = "adafactor"; }},
      {"--set train.ema_decay=0", [](RunConfig& config) { config.train.ema_decay = 0; }},
      {"--set train.precision=bf16", [](RunConfig& config) { config.train.precision = "bf16"; }}};
  return list;
}

/// Each remedy that helps, and all of them together, with the memory that one sequence then takes.
std::vector<std::string> advice(const Request& request) {
  std::vector<std::string> lines, helpful;
  Request all = request;
  const int64_t before = predicted_total(request, 1);
  for (const Remedy& remedy : remedies()) {
    Request changed = request;
    remedy.apply(changed.config);
    const int64_t after = predicted_total(changed, 1);
    if (after >= before) continue;
    lines.push_back(remedy.what + ": " + bytes_text(after));
    helpful.push_back(remedy.what);
    remedy.apply(all.config);
  }
  if (helpful.size() > 1) lines.push_back(join(helpful, " ") + ": " + bytes_text(predicted_total(all, 1)));
  lines.push_back(
      "shorter sequences (data.max_tokens), windows (model.attention_window_size), fewer or narrower layers");
  return lines;
}

// ---- output ----

Json parts_json(const MemoryParts& parts, const Request& request) {
  Json json = {{"weights", parts.weights},         {"gradients", parts.gradients},
               {"optimizer", parts.optimizer},     {"average", parts.average},
               {"activations", parts.activations}, {"logits", parts.logits},
               {"program", request.program},       {"total", parts.total() + request.program}};
  return json;
}

/// The sizes that make up most of the activations: where to look for what could be kept smaller.
Json activation_tensors(const Request& request, int64_t batch) {
  AllocationSizes sizes;
  predict_memory(request.config, {batch, request.length}, request.device, &sizes);
  sizes.resize(std::min<size_t>(sizes.size(), 10));
  Json list = Json::array();
  for (const auto& [bytes, count] : sizes) list.push_back({{"bytes", bytes}, {"count", count}});
  return list;
}

void print_parts(const Json& parts) {
  const std::vector<std::pair<std::string, std::string>> about = {
      {"weights", ""},
      {"gradients", "those that are there when most memory is in use"},
      {"optimizer", ""},
      {"average", "of the weights (train.ema_decay)"},
      {"activations", "what the backward pass needs, and what is passed on"},
      {"logits", "of one chunk of tokens"},
      {"program", "this program and its libraries"},
      {"total", ""}};
  for (const auto& [name, text] : about) {
    const int64_t bytes = parts.at(name);
    if (bytes == 0) continue;
    std::string line = "  " + name + std::string(14 - name.size(), ' ');
    const std::string amount = bytes_text(bytes);
    line += std::string(12 - std::min<size_t>(12, amount.size()), ' ') + amount;
    print_line(text.empty() ? line : line + "   " + text);
  }
}

void plan(const Options& options, const CommonOptions& common) {
  if (options.memory.empty() && options.batch == 0)
    throw ConfigError("plan needs --memory", "", "an amount such as 12GiB", "or --batch N: what that batch takes");
  const int64_t limit = options.memory.empty() ? 0 : parse_memory(options.memory);
  const Request request = make_request(options, common);
  const auto free = static_cast<int64_t>(kUsableShare * static_cast<double>(available_bytes()));
  const bool measured_here = options.measure && request.device == torch::kCPU;
  if (options.measured_batch > 0)
    return measure_here(request, options, common, options.batch > 0 ? free : std::min(limit, free));
  if (options.measure) parse_device(common.device);
  if (measured_here && options.batch == 0 && limit > free)
    throw ConfigError("--measure takes the memory", options.memory,
                      "at most " + bytes_text(free) + ", what is free now",
                      "without --measure any amount can be planned");

  int64_t batch = options.batch;
  if (batch == 0) batch = largest_batch([&](int64_t tried) { return predicted_total(request, tried); }, limit);
  Json result = {{"memory", limit},
                 {"device", request.device == torch::kCUDA ? "cuda" : "cpu"},
                 {"precision", computes_in_bf16(request.config.train.precision, request.device) ? "bf16" : "fp32"},
                 {"tokens_per_sequence", request.length},
                 {"vocabulary", request.config.model.vocab_size},
                 {"batch", batch},
                 {"tokens", batch * request.length},
                 {"predicted", parts_json(predict(request, std::max<int64_t>(batch, 1)), request)}};
  if (options.memory.empty()) result.erase("memory");
  if (common.verbose) result["activation_tensors"] = activation_tensors(request, std::max<int64_t>(batch, 1));
  if (options.measure) {
    Measurements measurements(request);
    int64_t most = batch;
    if (options.batch > 0)
      measurements(batch);
    else
      most = largest_batch(std::ref(measurements), limit, std::max<int64_t>(batch, 1), kMeasuredTolerance);
    Json measured = {{"batch", most}};
    if (const MeasuredMemory* memory = measurements.at(most)) {
      measured["charged"] = measurements.charged(*memory);
      measured["resident"] = memory->resident;
      measured["allocated"] = memory->allocated;
      if (request.device == torch::kCUDA) measured["reserved"] = memory->reserved;
      measured["predicted"] = predicted_total(request, most);
    } else if (options.batch > 0) {
      measured["batch"] = 0;
    }
    result["measured"] = std::move(measured);
  }
  if (batch == 0) result["advice"] = advice(request);
  result["notes"] = request.notes;
  if (common.json) return print_json(result);

  const auto number = [&result](const char* key) { return result.at(key).dump(); };
  print_line((batch == 0 ? "not even one sequence fits into " + options.memory + "; one takes"
              : options.batch > 0
                  ? "a batch of " + number("batch") + " sequences (" + number("tokens") + " tokens) takes"
                  : "largest batch for " + options.memory + ": " + number("batch") + " sequences (" + number("tokens") +
                        " tokens)") +
             "   [" + number("tokens_per_sequence") + " tokens a sequence, " +
             result.at("precision").get<std::string>() + ", " + result.at("device").get<std::string>() + "]");
  print_parts(result.at("predicted"));
  if (result.contains("activation_tensors")) {
    print_line("activations, by the size of tensor");
    for (const Json& tensor : result.at("activation_tensors"))
      print_line("  " + tensor.at("count").dump() + " x " + bytes_text(tensor.at("bytes")));
  }
  if (result.contains("measured")) {
    const Json& measured = result.at("measured");
    if (measured.contains("charged"))
      print_line("measured: batch " + measured.at("batch").dump() + " takes " + bytes_text(measured.at("charged")) +
                 " (" + bytes_text(measured.at("allocated")) + " of it tensors), predicted " +
                 bytes_text(measured.at("predicted")));
    else
      print_line("measured: does not fit");
  }
  if (result.contains("advice")) {
    print_line("what one sequence would take with");
    for (const auto& line : result.at("advice")) print_line("  " + line.get<std::string>());
  }
  for (const std::string& note : request.notes) print_line("note: " + note);
}

const RegisterVerb registered(
    {"plan", "the largest batch that fits into memory", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("PRESET", options->presets, "presets, left to right");
       command.add_option("--set", options->assignments, "KEY=VALUE")->take_all()->allow_extra_args(false);
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
