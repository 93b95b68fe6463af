// A whole run, from its settings to the finished model in its folder.
#pragma once

#include <string>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/base/progress.h"
#include "tvae/config/presets.h"
#include "tvae/dist/communicator.h"
#include "tvae/ops/torch.h"
#include "tvae/run/run_directory.h"
#include "tvae/train/observer.h"

namespace tvae {

struct TrainOptions {
  std::vector<std::string> presets;  // none, and no model to start from: "auto" (auto_settings.h)
  /// "section.field=value". Those of data.train, data.valid and data.tokenizer become absolute, so that they hold
  /// wherever the run is resumed.
  std::vector<std::string> assignments;
  /// Model directory to start from; empty = fresh weights. The settings are those of its run, where it has one, with
  /// what presets and assignments change.
  std::string from;
  std::string out;  // folder of the run, which becomes a model directory
  StartMode mode = StartMode::kNew;
  torch::Device device = torch::kCPU;
  /// The processes were started again after one had been lost (torchrun --max-restarts): a run in `out` that they began
  /// goes on, as with kResume.
  bool restarted = false;
  Communicator* communicator = &lone_process();  // of the processes that are given the same options
};

struct TrainedRun {
  std::string directory;
  int64_t steps = 0;
  int64_t planned_steps = 0;  // more than `steps` where the run stopped early
  bool was_finished = false;  // before: nothing was left to do
  bool with_verdict =
      false;  // one belongs to its end: its settings were chosen for its file, or it had a model to start from
};

/// A resumed run was given other settings than those it began with.
class OtherSettings : public ConfigError {
 public:
  OtherSettings(const std::string& given, const std::string& own)
      : ConfigError("a run goes on with the settings that it began with", given, own) {}
};

/// What "auto" chooses for the training file of a configuration, as train() would: sets it, and returns what it tells.
std::vector<std::string> choose_for_training(ResolvedConfig& resolved, torch::Device device,
                                             Progress& progress = Progress::none());

/// Trains to the last step, or goes on where an earlier call or process came to. Until its whole beginning is written a
/// new run leaves `out` as it was. A resumed run takes its own settings where no others are given; others that would
/// shape its result are OtherSettings, but its data may lie elsewhere, and assignments of other train.steps or
/// train.minutes, both counted from its start, extend it, a finished run too. `progress` hears of the stages of the
/// preparation and of every step, `observers` of all that happens in the run; where one of them throws Interrupted the
/// state is saved first. Of several processes the first does all that is to be done once, and the others train along.
/// Throws ConfigError, DataError, CheckpointError.
TrainedRun train(const TrainOptions& options, Progress& progress = Progress::none(),
                 const std::vector<TrainingObserver*>& observers = {});

}  // namespace tvae
