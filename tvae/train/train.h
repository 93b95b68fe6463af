// A whole run, from its settings to the finished model in its folder.
#pragma once

#include <csignal>
#include <string>
#include <vector>

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
/// new run leaves OUT as it was. A resumed run takes its own settings where no others are given; others that would
/// shape its result are refused, but its data may lie elsewhere. `stop` is looked at between the stages of the
/// preparation and after every step: set, it ends the run with Interrupted, the state saved. Throws ConfigError,
/// DataError, CheckpointError.
TrainedRun train(const TrainOptions& options, const volatile std::sig_atomic_t& stop);

}  // namespace tvae
