// The learning rate over time, as get_scheduler of Hugging Face transformers defines it.
#pragma once

#include <cstdint>

#include "tvae/config/run_config.h"

namespace tvae {

/// Factor in [0, 1] on the peak rate for the step taken after `steps_done` steps: a linear rise from 0 over
/// warmup_steps, then constant, linear to 0 or half a cosine to 0 at total_steps. Throws ConfigError for an unknown
/// schedule.
double learning_rate_factor(const TrainConfig& config, int64_t steps_done, int64_t total_steps);

}  // namespace tvae
