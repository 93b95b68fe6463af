// A whole run, from its settings to the finished model in its folder.
#pragma once

#include <string>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/ops/torch.h"
#include "tvae/run/run_directory.h"

namespace tvae {

struct TrainOptions {
  std::vector<std::string> presets;
  /// "section.field=value". Those of data.train, data.valid and data.tokenizer become absolute, so that they hold
  /// wherever the run is resumed.
  std::vector<std::string> assignments;
  std::string from;  // model directory to start from; empty = fresh weights
  std::string out;   // folder of the run, which becomes a model directory
  StartMode mode = StartMode::kNew;
  torch::Device device = torch::kCPU;
};

struct TrainedRun {
  std::string directory;
  int64_t steps = 0;
};

/// Trains to the last step, or goes on where an earlier call or process came to. Until its whole beginning is written a
/// new run leaves `out` as it was. A resumed run takes its own settings where no others are given; others that would
/// shape its result are refused, but its data may lie elsewhere. `progress` hears of the stages of the preparation and
/// of every step; where it throws Interrupted the state is saved first. Throws ConfigError, DataError, CheckpointError.
TrainedRun train(const TrainOptions& options, Progress& progress = Progress::none());

}  // namespace tvae
