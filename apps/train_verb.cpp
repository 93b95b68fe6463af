// tvae train: presets + data → a model directory.
#include <algorithm>
#include <memory>
#include <optional>

#include "apps/assignments.h"
#include "apps/decoding.h"
#include "apps/progress_bar.h"
#include "apps/several_processes.h"
#include "apps/until_signal.h"
#include "apps/verb.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/wrap.h"
#include "tvae/eval/evaluate.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/checkpoint.h"
#include "tvae/train/setup.h"
#include "tvae/train/train.h"

namespace tvae::apps {
namespace {

struct Options {
  TrainOptions run;
  std::vector<std::string> of_flags;  // assignments
  bool resume = false, overwrite = false;
};

TrainOptions run_options(const Options& options, const CommonOptions& common) {
  if (options.resume && options.overwrite) throw ConfigError("--resume and --overwrite", "both", "one of them");
  TrainOptions run = options.run;
  run.assignments.insert(run.assignments.end(), options.of_flags.begin(), options.of_flags.end());
  if (common.seed_given) run.assignments.push_back("train.seed=" + std::to_string(common.seed));
  run.mode = options.resume ? StartMode::kResume : options.overwrite ? StartMode::kOverwrite : StartMode::kNew;
  run.device = device_of_process(common);
  return run;
}

TrainedRun train_with_hints(const TrainOptions& options) {
  try {
    UntilSignal until_signal;
    ProgressBar bar;
    return tvae::train(options, until_signal, {&bar});
  } catch (const OccupiedFolder& error) {
    throw ConfigError(error.what(), "", "",
                      error.holds_run ? "--resume continues it, --overwrite starts afresh" : "--overwrite replaces it");
  } catch (const OtherSettings& error) {
    throw ConfigError(error.what(), "", "",
                      "without them --resume goes on; --from with another --out starts a new run from its model");
  } catch (const MovedData& error) {
    throw DataError(error.what(), "", "", "--train and --valid say where the same rows are now");
  } catch (const Interrupted& error) {
    if (!has_checkpoint(options.out)) throw;  // before there was anything to save
    throw Interrupted(std::string(error.what()) + "; --resume continues");
  }
}

/// Measures a few held-out rows, and says in words how good the space is; into the card too.
void tell_how_it_went(const std::string& directory, const CommonOptions& common) {
  constexpr int64_t kMostRows = 200, kFewestRows = 20, kUsualTokens = 64;
  try {
    UntilSignal until_signal;
    const LatentSpace space = open_space(directory, common);
    EvaluateOptions how;
    how.protocol.only = {"reconstruction", "interpolation", "fluency"};
    // Fewer of long rows, so that it is a matter of seconds.
    how.protocol.samples = std::clamp(kMostRows * kUsualTokens / space.model().max_tokens, kFewestRows, kMostRows);
    how.write = false;  // a report of so little would be in the way of the next one
    const auto report = evaluate(space, how, until_signal);
    write_verdict_to_card(directory, report);
    for (const std::string& line : split(wrapped(join(report["verdict"].get<std::vector<std::string>>(), " ")), '\n'))
      if (!line.empty()) log_info(line);
    log_info("tvae eval " + directory + " measures more, tvae serve " + directory + " shows it");
  } catch (const ConfigError& error) {  // nothing was held out
    log_verbose(error.what());
  }
}

/// Of the one process that speaks.
void tell(const TrainedRun& trained, const CommonOptions& common) {
  const std::string &out = trained.directory, steps = std::to_string(trained.steps);
  if (trained.was_finished)
    log_info(out + " is finished at step " + steps + " of " + std::to_string(trained.planned_steps) +
             "; --resume --minutes N, or --set train.steps=N, trains it further");
  if (trained.with_verdict && trained.steps > 0 && !trained.was_finished && log_level() != LogLevel::kQuiet)
    tell_how_it_went(out, common);
  if (common.json)
    print_json({{"out", out}, {"steps", trained.steps}});
  else
    print_line(out);
}

void train(const Options& options, const CommonOptions& common) {
  std::optional<TrainedRun> run;
  with_other_processes(common, [&](Communicator& processes, bool restarted) {
    TrainOptions given = run_options(options, common);
    given.communicator = &processes;
    given.restarted = restarted;
    run = train_with_hints(given);
    if (!processes.is_first()) run.reset();
  });
  if (run) tell(*run, common);
}
const Register<SetUpVerb> registered(
    verbs(),
    {"train", "train a model", [](CLI::App& command, const CommonOptions& common) {
       auto options = std::make_shared<Options>();
       command.add_option("PRESET", options->run.presets, "presets, left to right");
       add_set_option(command, options->run.assignments);
       add_setting_flags(
           command,
           {{"--train", "data.train",
             "training sequences; several files: again, or as a pattern in quotes, 'DIR/*.txt'", "FILE", true},
            {"--valid", "data.valid", "held-out sequences, likewise", "FILE", true},
            {"--column", "data.column", "text column of a table", "NAME"},
            {"--label-column", "data.label_column", "label column of a table", "NAME"},
            {"--escapes", "data.escapes", "read \\n, \\t and \\\\ in lines"},
            {"--strict", "data.strict", "bad rows are errors"},
            {"--minutes", "train.minutes", "train as many steps as fit into this time", "N"},
            {"--quotes", "data.quotes", "fields of a tab table may stand in quotes"}},
           options->of_flags);
       command.add_option("--out", options->run.out, "folder of the run: becomes a model directory")
           ->type_name("DIR")
           ->required()
           ->take_last();
       command.add_option("--from", options->run.from, "model directory to start from")->type_name("DIR")->take_last();
       command.add_flag("--resume", options->resume, "continue the run in --out");
       command.add_flag("--overwrite", options->overwrite, "throw the run in --out away and start afresh");
       add_examples(command, {"tvae train --train lines.txt --out runs/mine",
                              "tvae train --train reviews.csv --column text --minutes 60 --out runs/reviews"});
       return [options, &common] { train(*options, common); };
     }});

}  // namespace
}  // namespace tvae::apps
