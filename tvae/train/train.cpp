#include "tvae/train/train.h"

#include <algorithm>
#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/base/wrap.h"
#include "tvae/config/presets.h"
#include "tvae/data/column_guess.h"
#include "tvae/data/file_set.h"
#include "tvae/data/fitted_options.h"
#include "tvae/data/table_rows.h"
#include "tvae/dist/launch.h"
#include "tvae/optim/schedule.h"
#include "tvae/run/data_options.h"
#include "tvae/train/auto_settings.h"
#include "tvae/train/checkpoint.h"
#include "tvae/train/column_choice.h"
#include "tvae/train/model_files.h"
#include "tvae/train/pilot.h"
#include "tvae/train/setup.h"
#include "tvae/train/shared_setup.h"
#include "tvae/train/trainer.h"
#include "tvae/train/training_state.h"

namespace tvae {
namespace {

/// What may change between two sessions of a run: how often it logs and saves, and where its data lies.
const std::vector<std::string> kHarmlessKeys = {"train.log_steps",       "train.save_steps",   "train.previews",
                                                "train.preview.samples", "train.preview.path", "train.preview.probe",
                                                "data.cache_dir",        "data.train",         "data.valid"};

std::string absolute(const std::string& path, bool several = false) {
  if (path.empty()) return path;
  const std::string whole =
      several ? absolute_files(path) : std::filesystem::absolute(path).lexically_normal().string();
  if (!is_valid_utf8(whole))
    throw ConfigError("a path of the run", "bytes that are no UTF-8: " + repair_utf8(whole), "a path in UTF-8",
                      "run.json could not keep it");
  return whole;
}

bool is_assigned(const ResolvedConfig& resolved, const std::string& key) {
  const auto origin = resolved.origins.find(key);
  return origin != resolved.origins.end() && origin->second == kAssigned;
}

/// Of the rows of a run with held-out rows of their own file, so that one that starts from it has some too. In (0,
/// 0.1].
double held_out_share(const RunRecord& record) {
  constexpr double kMost = 0.1;
  const auto held_out = static_cast<double>(record.valid->sequences);
  return std::min(kMost, held_out / (held_out + static_cast<double>(record.train.sequences)));
}

/// What the settings are changes to: a resumed run's own, with what "auto" chose then, or those of the run or import
/// that made the model to start from, but for its data; held-out rows are then split off, where none are given.
RunConfig settings_to_start_from(const std::string& from, const RunRecord* resumed) {
  if (resumed) return resumed->requested;
  if (from.empty()) return {};
  const auto parent = read_run_record(from);
  const auto imported = parent ? std::nullopt : read_imported_settings(from);
  if (!parent && !imported) return {};
  RunConfig config = parent ? parent->config : *imported;
  config.data.train = config.data.valid = config.data.tokenizer = config.data.tokens_tokenizer = "";
  config.data.tokens = "none";
  if (parent && parent->valid && config.data.valid_fraction == 0) config.data.valid_fraction = held_out_share(*parent);
  return config;
}

/// What the preset "auto" sets is where the choice begins; what a resumed run goes on with is what was chosen then.
void keep_what_auto_chose(ResolvedConfig& resolved, const RunConfig& own) {
  const auto values = fields_of(own);
  std::erase_if(resolved.origins, [&](const auto& origin) {
    if (origin.second != "preset " + kAutoPreset) return false;
    set_field(resolved.config, origin.first, values.at(origin.first));
    return true;
  });
}

/// A rate that is given does not fall on, as it may in the run of --from; and the model of a run has come down to its
/// rate already, so that another that starts from it does not begin where that one began.
void settle_rate(ResolvedConfig& resolved, bool starts_from_run) {
  KlConfig& kl = resolved.config.loss.kl;
  const auto inherited = [&](const char* key) { return !resolved.origins.contains(key); };
  if (!inherited("loss.kl.target") && inherited("loss.kl.target_floor")) kl.target_floor = 0;
  if (!starts_from_run || kl.target <= 0) return;
  if (inherited("loss.kl.target_start")) kl.target_start = kl.target;
  if (inherited("loss.kl.target_descent")) kl.target_descent = 0;
}

ResolvedConfig requested_config(const TrainOptions& options, const RunRecord* resumed, const RunConfig& base) {
  ResolvedConfig resolved = resolve_config(options.presets, options.assignments, base);
  if (resumed) keep_what_auto_chose(resolved, base);
  if (is_assigned(resolved, "train.minutes") && resolved.config.train.minutes == 0)
    throw ConfigError("train.minutes", "0", "more than 0");
  if (is_assigned(resolved, "train.minutes") && is_assigned(resolved, "train.steps"))
    throw ConfigError("train.minutes and train.steps", "both", "one of them");
  if (is_assigned(resolved, "train.minutes")) {  // then a preset's steps are not asked for
    resolved.config.train.steps = resumed ? base.train.steps : 0;
    resolved.origins.erase("train.steps");
  }
  if (!resumed) settle_rate(resolved, !options.from.empty() && read_run_record(absolute(options.from)).has_value());
  DataConfig& data = resolved.config.data;
  for (std::string* files : {&data.train, &data.valid}) *files = absolute(*files, /*several=*/true);
  for (std::string* tokenizer : {&data.tokenizer, &data.tokens_tokenizer}) *tokenizer = absolute(*tokenizer);
  return resolved;
}

/// "train.steps=20": a setting for people.
std::string setting(const std::string& key, const nlohmann::ordered_json& value) {
  return key + "=" + value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string first_few(std::vector<std::string> settings) {
  constexpr size_t kShown = 8;
  const size_t more = settings.size() - std::min(kShown, settings.size());
  settings.resize(settings.size() - more);
  return join(settings, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

/// How a run differs from that of the model which it starts from.
std::string changes(const RunConfig& config, const RunConfig& parent) {
  std::vector<std::string> changed;
  const auto values = fields_of(config);
  for (const std::string& key : differing_keys(parent, config))
    if (key != "data.train" && key != "data.valid" && key != "data.tokenizer")
      changed.push_back(setting(key, values.at(key)));
  return changed.empty() ? "" : ", but for " + first_few(changed);
}

/// Whether a resumed run was given more steps, or time, than it was planned for.
bool is_extended(const ResolvedConfig& resolved, const RunRecord& resumed) {
  const TrainConfig &now = resolved.config.train, &then = resumed.requested.train;
  return (is_assigned(resolved, "train.minutes") && now.minutes != then.minutes) ||
         (is_assigned(resolved, "train.steps") && now.steps != then.steps);
}

void require_same(const ResolvedConfig& resolved, const std::string& from, const RunRecord& resumed) {
  const RunConfig& config = resolved.config;
  std::vector<std::string> keys, given, own;
  for (const std::string& key : differing_keys(resumed.requested, config)) {
    const bool extends = (key == "train.steps" || key == "train.minutes") && is_assigned(resolved, key);
    if (!extends && std::find(kHarmlessKeys.begin(), kHarmlessKeys.end(), key) == kHarmlessKeys.end())
      keys.push_back(key);
  }
  if (resumed.requested.data.valid.empty() && !config.data.valid.empty()) keys.emplace_back("data.valid");
  const auto given_fields = fields_of(config), own_fields = fields_of(resumed.requested);
  for (const std::string& key : keys) {
    given.push_back(setting(key, given_fields.at(key)));
    own.push_back(setting(key, own_fields.at(key)));
  }
  if (!from.empty() && from != resumed.from) {
    given.push_back(setting("the starting model", from));
    own.push_back(setting("the starting model", resumed.from));
  }
  if (!given.empty()) throw OtherSettings(first_few(given), first_few(own));
}

/// Whether the settings are to be chosen: where "auto" is among the presets, or nothing else says what to train.
bool chooses(const TrainOptions& options, const RunRecord* resumed) {
  if (resumed) return false;
  const bool asked = asks_for_auto(options.presets);
  if (asked && !options.from.empty())
    throw ConfigError("the preset auto, which is for new models, and a model to start from", "both", "one of them");
  return asked;
}

/// As many steps as the time of train.minutes has, where train.steps leaves it to that.
void settle_steps(TrainingSetup& setup, torch::Device device, Progress& progress) {
  TrainConfig& train = setup.config.train;
  if (train.steps > 0 || train.minutes == 0) return;
  const PilotSpeed speed = measure_speed(setup.config, setup.model.vae.config(), setup.train, device, progress);
  train.steps = steps_within(train.minutes, speed.seconds_a_step);
  setup.plan.emplace();
  for (RunConfig* config : {&setup.record.config, &setup.record.requested}) config->train.steps = train.steps;
  log_info(counted(train.steps, "step") + " in " + setting("train.minutes", train.minutes));
}

/// Other steps for a run that has a checkpoint: those that were given, or those that fit into the time, of which it has
/// taken a part already, by its own speed so far.
void extend(TrainingSetup& setup, const ResolvedConfig& resolved, const TrainingState& state) {
  const int64_t done = state.position.step, planned = state.position.total_steps;
  TrainConfig& train = setup.config.train;
  if (is_assigned(resolved, "train.minutes"))
    train.steps = steps_within(train.minutes, state.seconds / static_cast<double>(done));
  if (train.steps <= done)
    throw ConfigError("train.steps", std::to_string(train.steps), "more than the " + std::to_string(done) + " done",
                      "train.minutes counts from the start");
  for (RunConfig* config : {&setup.record.config, &setup.record.requested}) config->train.steps = train.steps;
  char factor[16];
  std::snprintf(factor, sizeof factor, "%.2f", learning_rate_factor(train, done, train.steps));
  log_info("the run goes on to step " + std::to_string(train.steps) + " instead of " + std::to_string(planned) +
           ", as if that had been planned: its " + train.schedule +
           " schedule takes up again with the learning rate at " + factor + " of its peak");
}

/// Settles the steps of a resumed run. Whether its checkpoint planned others: because the run is extended now, or was
/// by a session that ended before its first save.
bool settle_resumed_steps(TrainingSetup& setup, const ResolvedConfig& resolved, const RunRecord& resumed,
                          const std::optional<Checkpoint>& checkpoint, torch::Device device, Progress& progress) {
  const auto state = checkpoint ? std::optional(training_state_from_json(checkpoint->state)) : std::nullopt;
  if (is_extended(resolved, resumed)) {
    if (state && state->position.step > 0) {
      extend(setup, resolved, *state);
    } else if (is_assigned(resolved, "train.minutes")) {  // nothing that tells its speed
      setup.config.train.steps = 0;
      settle_steps(setup, device, progress);
    }
  }
  return state && setup.config.train.steps > 0 && state->position.total_steps != setup.config.train.steps;
}

void say_what_is_trained(const TrainingSetup& setup, const Trainer& trainer) {
  log_info(std::to_string(setup.record.parameters) + " weights, " + counted(setup.train.size(), "sequence") +
           (setup.valid ? " and " + std::to_string(setup.valid->size()) + " held out" : "") + ", " +
           std::to_string(setup.train.tokens()) + " tokens, " + std::to_string(trainer.total_steps()) + " steps");
}

/// The held-out file is read with the columns of the training file. Throws DataError where it holds lines of text and
/// the training file does not.
void settle_held_out_file(const DataConfig& data, TrainingInput& input) {
  if (!input.valid) return;
  const auto [path, content] = input.valid->sample();
  if (!data.column.empty() && fitted_options(path, content, read_options(data)).column.empty())
    throw DataError(path + ": text lines have no columns", "column " + data.column,
                    "a table with the columns of " + data.train);
  input.valid->set_options(fit_options(data));
}

/// Whether a table's columns have names, and this is none of them.
bool lacks(const TableSketch& table, const std::string& column) {
  return table.header && !column.empty() && !is_place(column) &&
         std::find(table.names.begin(), table.names.end(), column) == table.names.end();
}

/// Lets go of the columns of the run from which the settings come where the training file has others. Whether that is
/// so of the texts' column, and another is to be looked for.
bool let_go_of_columns(ResolvedConfig& resolved, TrainingInput& input) {
  DataConfig& data = resolved.config.data;
  const auto [path, content] = input.train.sample();
  const bool any_format = data.format == "auto" || !resolved.origins.contains("data.format");
  const TableSketch table = sketch_table(path, content, any_format ? "" : data.format);
  if (!resolved.origins.contains("data.label_column") && lacks(table, data.label_column)) {
    log_info(path + " has no column " + data.label_column + ", which the labels of the model's run were in");
    data.label_column.clear();
  }
  if (!lacks(table, data.column)) return false;
  log_info(path + " has no column " + data.column + " of the model's run, and is looked at anew");
  data.column.clear();
  if (any_format) data.format = "auto";
  return true;
}

/// What of the data section follows from the training file: which of its columns, where nobody names one; and that
/// lines have none, where the column is that of the run from which the settings come.
void settle_columns(ResolvedConfig& resolved, TrainingInput& input) {
  DataConfig& data = resolved.config.data;
  const bool inherited = !data.column.empty() && !resolved.origins.contains("data.column");
  if (inherited && !let_go_of_columns(resolved, input)) {
    const auto [path, content] = input.train.sample();
    const ReadOptions fitted = fitted_options(path, content, read_options(data));
    if (fitted.column.empty())
      log_info(path + " holds lines of text: the column " + data.column + " of the model's run is not asked for");
    data.column = fitted.column;
    data.label_column = fitted.label_column;
    data.header = fitted.header;
    data.format = fitted.format;
  } else {
    const ColumnChoice choice = choose_columns(data, input.train);
    if (!choice.warning.empty()) log_warning(choice.warning);
    if (data.column.empty() && !choice.column.empty()) log_info(data.train + ": " + choice.told);
    data.column = choice.column;
    data.header |= choice.header;
    if (!choice.format.empty()) data.format = choice.format;
  }
  input.train.set_options(read_options(data));
  settle_held_out_file(data, input);
}

/// Chooses and tells; what run.json keeps of it.
nlohmann::ordered_json choose(ResolvedConfig& resolved, TrainingInput& input, std::optional<TimedPlan>& plan,
                              torch::Device device, Progress& progress) {
  AutoSettings settings = choose_settings(resolved, input.train, device, progress);
  for (const std::string& told : settings.told)
    for (const std::string& line : wrapped_entry(told, kToldTopic)) log_info(line);
  input.tokenizer = std::move(settings.tokenizer);
  plan = std::move(settings.plan);
  settle_held_out_file(resolved.config.data, input);
  return {{"told", settings.told}, {"settings", settings.chosen}};
}

/// What another process than the first does.
TrainedRun train_along(const TrainOptions& options, Communicator& communicator, Progress& progress) {
  TrainingSetup setup = shared_setup(options.device, communicator);
  Trainer trainer(setup, nullptr, communicator);
  const auto checkpoint = shared_checkpoint(std::nullopt, communicator);
  const bool extended = communicator.any(false), begins = communicator.any(false);  // the first one says
  if (checkpoint) trainer.restore(*checkpoint, extended);
  if (begins) trainer.weights();
  const bool was_finished = trainer.finished();
  if (!was_finished) trainer.run(progress);
  return {options.out, trainer.step(), trainer.total_steps(), was_finished, /*with_verdict=*/false};
}

}  // namespace

std::vector<std::string> choose_for_training(ResolvedConfig& resolved, torch::Device device, Progress& progress) {
  TrainingInput input = open_training_files(resolved, nullptr);
  return choose_settings(resolved, input.train, device, progress).told;
}

TrainedRun train(const TrainOptions& given, Progress& progress, const std::vector<TrainingObserver*>& observers) {
  Communicator& communicator = *given.communicator;
  require_same_command(given, communicator);
  communicator.use_device(given.device);
  if (!communicator.is_first()) return train_along(given, communicator, progress);
  TrainOptions options = given;
  if (options.presets.empty() && options.from.empty()) options.presets = {kAutoPreset};
  if (options.restarted && options.mode != StartMode::kResume &&
      written_since_parent_started(options.out + "/run.json"))
    options.mode = StartMode::kResume;
  const std::string given_from = absolute(options.from);
  RunDirectory run(options.out, options.mode);
  run.require_apart_from(options.from);
  const RunRecord* const resumed = run.resumed();
  const bool automatic = chooses(options, resumed);
  const RunConfig base = settings_to_start_from(given_from, resumed);
  ResolvedConfig resolved = requested_config(options, resumed, base);
  if (resumed) require_same(resolved, given_from, *resumed);
  if (!resumed && options.mode == StartMode::kResume && resolved.config.data.train.empty())
    throw ConfigError("no run to resume", run.path(), "a folder that holds one", "--train FILE begins a new one");
  TrainingInput input = open_training_files(resolved, resumed);
  if (!resumed && !given_from.empty() && (read_run_record(given_from) || read_imported_settings(given_from)))
    log_info("settings of " + options.from + changes(resolved.config, base));
  nlohmann::ordered_json chosen;
  std::optional<TimedPlan> plan;
  if (automatic)
    chosen = choose(resolved, input, plan, options.device, progress);
  else if (!resumed)
    settle_columns(resolved, input);
  TrainingSetup setup =
      prepare_training(resolved, std::move(input), resumed ? resumed->from : given_from, run, options.device, progress);
  if (!resumed) {
    setup.record.chosen = chosen;
    setup.plan = std::move(plan);
    settle_steps(setup, options.device, progress);
  }
  auto checkpoint = resumed ? load_checkpoint(run.path()) : std::nullopt;
  const bool extends = resumed && settle_resumed_steps(setup, resolved, *resumed, checkpoint, options.device, progress);
  share_setup(setup, communicator);
  Trainer trainer(setup, &run, communicator);
  checkpoint = shared_checkpoint(std::move(checkpoint), communicator);
  const bool extended = communicator.any(extends), begins = communicator.any(!resumed);
  if (!begins) {
    if (checkpoint) {
      trainer.restore(*checkpoint, extended);
      if (!trainer.finished())
        log_info("resuming at step " + std::to_string(trainer.step()) + " of " + std::to_string(trainer.total_steps()));
    }
    setup.record.training = resumed->training;
    write_run_record(run.path(), setup.record);
  } else {
    if (options.mode == StartMode::kResume) log_info(run.path() + " holds no run to resume: a new one begins");
    const TensorMap weights = trainer.weights();
    run.replace([&](const std::string& folder) {
      if (!setup.split_off.texts.empty()) write_held_out_rows(folder, setup.split_off);
      trainer.save_model_files(folder, weights);
    });
  }
  const bool was_finished = trainer.finished();
  if (!was_finished) {
    say_what_is_trained(setup, trainer);
    trainer.run(progress, observers);
    if (trainer.step() < trainer.total_steps())
      log_info("stopped at step " + std::to_string(trainer.step()) + " of " + std::to_string(trainer.total_steps()) +
               ": held-out texts have come back no better since step " +
               std::to_string(std::max<int64_t>(trainer.best_step(), 0)) +
               (setup.config.train.save_model == "best" ? ", whose weights are kept" : ""));
    if (setup.config.train.save_model == "best" && trainer.best_step() == 0)
      log_warning("held-out texts came back best before the first step: what is kept is the model to start from");
  }
  const bool with_verdict = automatic || !setup.record.from.empty() || (resumed && !resumed->chosen.empty());
  return {run.path(), trainer.step(), trainer.total_steps(), was_finished, with_verdict};
}

}  // namespace tvae
