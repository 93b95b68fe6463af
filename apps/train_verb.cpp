// tvae train: presets + data → a model directory.
#include <csignal>
#include <memory>

#include "apps/verb.h"
#include "tvae/base/error.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/setup.h"
#include "tvae/train/train.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string train, valid, column, label_column;
  bool resume = false, overwrite = false, escapes = false, strict = false, quotes = false;
  TrainOptions run;
};

volatile std::sig_atomic_t interrupted = 0;

/// The first signal asks for an end with the state saved; a second one ends the program as usual.
void on_signal(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

StartMode start_mode(const Options& options) {
  if (options.resume && options.overwrite) throw ConfigError("--resume and --overwrite", "both", "one of them");
  if (options.resume) return StartMode::kResume;
  return options.overwrite ? StartMode::kOverwrite : StartMode::kNew;
}

/// The flags are other spellings of assignments, and come after those of --set.
std::vector<std::string> assignments(const Options& options, const CommonOptions& common) {
  std::vector<std::string> all = options.run.assignments;
  const auto assign = [&all](const std::string& key, const std::string& value) {
    if (!value.empty()) all.push_back(key + ("=" + value));
  };
  assign("data.train", options.train);
  assign("data.valid", options.valid);
  assign("data.column", options.column);
  assign("data.label_column", options.label_column);
  assign("data.escapes", options.escapes ? "true" : "");
  assign("data.strict", options.strict ? "true" : "");
  assign("data.quotes", options.quotes ? "true" : "");
  assign("train.seed", common.seed_given ? std::to_string(common.seed) : "");
  return all;
}

/// Ends the work where a signal asked for it.
class UntilSignal : public Progress {
  void update(const char* what, int64_t, int64_t) override {
    if (interrupted) throw Interrupted(std::string("interrupted while ") + what);
  }
};

TrainedRun train_with_hints(const TrainOptions& options) {
  try {
    UntilSignal progress;
    return tvae::train(options, progress);
  } catch (const OccupiedFolder& error) {
    throw ConfigError(error.what(), "", "",
                      error.holds_run ? "--resume continues it, --overwrite starts afresh" : "--overwrite replaces it");
  } catch (const MovedData& error) {
    throw DataError(error.what(), "", "", "--train and --valid say where the same rows are now");
  } catch (const Interrupted& error) {
    throw Interrupted(std::string(error.what()) + "; --resume continues");
  }
}

void train(const Options& options, const CommonOptions& common) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  TrainOptions run = options.run;
  run.assignments = assignments(options, common);
  run.mode = start_mode(options);
  run.device = parse_device(common.device);
  const TrainedRun trained = train_with_hints(run);
  if (common.json)
    print_json({{"out", trained.directory}, {"steps", trained.steps}});
  else
    print_line(trained.directory);
}

const Register<SetUpVerb> registered(
    verbs(),
    {"train", "train a model", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("PRESET", options->run.presets, "presets, left to right");
       command.add_option("--set", options->run.assignments, "set one key; as often as needed")
           ->take_all()
           ->allow_extra_args(false)
           ->type_name("KEY=VALUE");
       command.add_option("--train", options->train, "training sequences (data.train)")->take_last();
       command.add_option("--valid", options->valid, "held-out sequences (data.valid)")->take_last();
       command.add_option("--column", options->column, "text column of a table (data.column)")->take_last();
       command.add_option("--label-column", options->label_column, "label column of a table (data.label_column)")
           ->take_last();
       command.add_option("--out", options->run.out, "folder of the run: becomes a model directory")
           ->required()
           ->take_last();
       command.add_option("--from", options->run.from, "model directory to start from")->take_last();
       command.add_flag("--resume", options->resume, "continue the run in --out");
       command.add_flag("--overwrite", options->overwrite, "throw the run in --out away and start afresh");
       command.add_flag("--escapes", options->escapes, "read \\n, \\t and \\\\ in lines (data.escapes)");
       command.add_flag("--strict", options->strict, "bad rows are errors (data.strict)");
       command.add_flag("--quotes", options->quotes, "fields of a tab table may stand in quotes (data.quotes)");
       return [options, &common] { train(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
