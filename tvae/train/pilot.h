// How long a training step takes here: a few are made with a model that is thrown away.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/config/run_config.h"
#include "tvae/data/token_cache.h"
#include "tvae/ops/torch.h"

namespace tvae {

struct PilotSpeed {
  double seconds_a_step = 0;
  double tokens_a_step = 0;
  int64_t parameters = 0;  // of the model, without the embedding
};

/// Trains a fresh model of `model` (complete_model_config) for a few steps, up to some three seconds. Throws
/// Interrupted where `progress` asks for it, and ConfigError for settings that cannot be.
PilotSpeed measure_speed(const RunConfig& config, const ModelConfig& model, const TokenDataset& data,
                         torch::Device device, Progress& progress = Progress::none());

/// The steps that fit into so many minutes, with time left for evaluations and saving; at least 10.
int64_t steps_within(double minutes, double seconds_a_step);

/// How a run with a time to keep to (train.minutes) plans its steps again once it knows its own speed: that of the
/// pilot was of a moment, in which the machine may have had other things to do.
struct TimedPlan {
  int64_t most_steps = std::numeric_limits<int64_t>::max();  // more are of no use
  std::vector<int64_t TrainConfig::*> paced = {};            // settings that grow and shrink with the steps
};

}  // namespace tvae
