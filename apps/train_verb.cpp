// tvae train: presets + data → a model directory.
#include <csignal>
#include <filesystem>
#include <memory>

#include "apps/verb.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/config/presets.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/setup.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> presets, assignments;
  std::string train, valid, column, label_column, out, from;
  bool resume = false, overwrite = false, escapes = false, strict = false, quotes = false;
};

volatile std::sig_atomic_t interrupted = 0;

/// The first signal asks the loop to save and stop; a second one ends the program as usual.
void on_signal(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

/// Paths that hold wherever the run is resumed, or its data is read again.
std::string absolute(const std::string& path) {
  return path.empty() || path == "-" ? path : std::filesystem::absolute(path).lexically_normal().string();
}

ResolvedConfig requested_config(const Options& options, const CommonOptions& common, const RunDirectory& run) {
  const bool with_presets = !options.presets.empty();
  const RunConfig base = with_presets ? RunConfig() : run.saved_config().value_or(RunConfig());
  ResolvedConfig resolved = resolve_config(options.presets, options.assignments, base);
  RunConfig& config = resolved.config;
  if (!options.train.empty()) config.data.train = options.train;
  if (!options.valid.empty()) config.data.valid = options.valid;
  if (!options.column.empty()) config.data.column = options.column;
  if (!options.label_column.empty()) config.data.label_column = options.label_column;
  if (options.escapes) config.data.escapes = true;
  if (options.strict) config.data.strict = true;
  if (common.seed_given) set_field(config, "train.seed", common.seed);
  for (std::string* path : {&config.data.train, &config.data.valid, &config.data.tokenizer}) *path = absolute(*path);
  return resolved;
}

StartMode start_mode(const Options& options) {
  if (options.resume && options.overwrite) throw ConfigError("--resume and --overwrite", "both", "one of them");
  if (options.resume) return StartMode::kResume;
  return options.overwrite ? StartMode::kOverwrite : StartMode::kNew;
}

void train(const Options& options, const CommonOptions& common) {
  const StartMode mode = start_mode(options);
  const torch::Device device = parse_device(common.device);
  const RunDirectory run(options.out, mode);
  run.require_apart_from(options.from);
  const ResolvedConfig resolved = requested_config(options, common, run);
  run.require_same(resolved.config, absolute(options.from));
  const std::string from = run.resumes() ? run.saved_from() : absolute(options.from);
  TrainingSetup setup = prepare_training(resolved, from, run, device);
  Trainer trainer(setup, run);
  if (options.resume)
    if (const auto checkpoint = load_checkpoint(run.path())) {
      trainer.restore(*checkpoint);
      log_info("resuming at step " + std::to_string(trainer.step()) + " of " + std::to_string(trainer.total_steps()));
    }
  run.clear();  // nothing was written so far: what is refused leaves OUT as it was
  setup.model.tokenizer.save(run.path());
  run.write_run(resolved.config, describe_data(setup), from, setup.past);
  log_info(std::to_string(setup.model.vae.parameters().count()) + " weights, " + std::to_string(setup.train.size()) +
           " sequences, " + std::to_string(setup.train.tokens()) + " tokens, " + std::to_string(trainer.total_steps()) +
           " steps");
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  trainer.run(interrupted);
  if (common.json)
    print_json({{"out", run.path()}, {"steps", trainer.step()}});
  else
    print_line(run.path());
}

const RegisterVerb registered(
    {"train", "train a model", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("PRESET", options->presets, "presets, left to right");
       command.add_option("--set", options->assignments, "KEY=VALUE")->take_all()->allow_extra_args(false);
       command.add_option("--train", options->train, "training sequences (data.train)")->take_last();
       command.add_option("--valid", options->valid, "held-out sequences (data.valid)")->take_last();
       command.add_option("--column", options->column, "text column of a table (data.column)")->take_last();
       command.add_option("--label-column", options->label_column, "label column of a table (data.label_column)")
           ->take_last();
       command.add_option("--out", options->out, "folder of the run: becomes a model directory")
           ->required()
           ->take_last();
       command.add_option("--from", options->from, "model directory to start from")->take_last();
       command.add_flag("--resume", options->resume, "continue the run in --out");
       command.add_flag("--overwrite", options->overwrite, "throw the run in --out away and start afresh");
       command.add_flag("--escapes", options->escapes, "read \\n, \\t and \\\\ in lines (data.escapes)");
       command.add_flag("--strict", options->strict, "bad rows are errors (data.strict)");
       command.add_flag("--quotes", options->quotes, "fields of a tab table may stand in quotes (data.quotes)");
       return [options, &common] { train(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
