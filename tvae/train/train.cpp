#include "tvae/train/train.h"

#include <algorithm>
#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/config/presets.h"
#include "tvae/train/setup.h"
#include "tvae/train/trainer.h"

namespace tvae {
namespace {

/// What may change between two sessions of a run: how often it logs and saves, and where its data lies.
const std::vector<std::string> kHarmlessKeys = {"train.log_steps",       "train.save_steps",   "train.previews",
                                                "train.preview.samples", "train.preview.path", "train.preview.probe",
                                                "data.cache_dir",        "data.train",         "data.valid"};

std::string absolute(const std::string& path) {
  if (path.empty() || path == "-") return path;
  const std::string whole = std::filesystem::absolute(path).lexically_normal();
  if (!is_valid_utf8(whole))
    throw ConfigError("a path of the run", "bytes that are no UTF-8: " + repair_utf8(whole), "a path in UTF-8",
                      "run.json could not keep it");
  return whole;
}

ResolvedConfig requested_config(const TrainOptions& options, const RunRecord* resumed) {
  const RunConfig base = resumed && options.presets.empty() ? resumed->requested : RunConfig();
  ResolvedConfig resolved = resolve_config(options.presets, options.assignments, base);
  DataConfig& data = resolved.config.data;
  for (std::string* path : {&data.train, &data.valid, &data.tokenizer}) *path = absolute(*path);
  return resolved;
}

/// Presets say nothing of the data, so that a resumed run that is given them has its own.
void keep_own_data(RunConfig& config, const RunRecord& resumed) {
  if (config.data.train.empty()) config.data.train = resumed.requested.data.train;
  if (config.data.valid.empty()) config.data.valid = resumed.requested.data.valid;
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

void require_same(const RunConfig& config, const std::string& from, const RunRecord& resumed) {
  std::vector<std::string> keys, given, own;
  for (const std::string& key : differing_keys(resumed.requested, config))
    if (std::find(kHarmlessKeys.begin(), kHarmlessKeys.end(), key) == kHarmlessKeys.end()) keys.push_back(key);
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

void say_what_is_trained(const TrainingSetup& setup, const Trainer& trainer) {
  log_info(std::to_string(setup.record.parameters) + " weights, " + counted(setup.train.size(), "sequence") + ", " +
           std::to_string(setup.train.tokens()) + " tokens, " + std::to_string(trainer.total_steps()) + " steps");
}

}  // namespace

TrainedRun train(const TrainOptions& options, Progress& progress, const std::vector<TrainingObserver*>& observers) {
  const std::string given_from = absolute(options.from);
  RunDirectory run(options.out, options.mode);
  run.require_apart_from(options.from);
  const RunRecord* const resumed = run.resumed();
  ResolvedConfig resolved = requested_config(options, resumed);
  if (resumed) {
    keep_own_data(resolved.config, *resumed);
    require_same(resolved.config, given_from, *resumed);
  }
  TrainingSetup setup = prepare_training(resolved, resumed ? resumed->from : given_from, run, options.device, progress);
  Trainer trainer(setup, run);
  if (resumed) {
    if (const auto checkpoint = load_checkpoint(run.path())) {
      trainer.restore(*checkpoint);
      if (!trainer.finished())
        log_info("resuming at step " + std::to_string(trainer.step()) + " of " + std::to_string(trainer.total_steps()));
    }
    setup.record.training = resumed->training;
    write_run_record(run.path(), setup.record);
  } else {
    if (options.mode == StartMode::kResume) log_info(run.path() + " holds no run to resume: a new one begins");
    run.replace([&](const std::string& folder) { trainer.save_model_files(folder); });
  }
  const bool was_finished = trainer.finished();
  if (!was_finished) {
    say_what_is_trained(setup, trainer);
    trainer.run(progress, observers);
  }
  return {run.path(), trainer.step(), trainer.total_steps(), was_finished};
}

}  // namespace tvae
