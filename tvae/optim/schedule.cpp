#include "tvae/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tvae/base/error.h"

namespace tvae {

double learning_rate_factor(const TrainConfig& config, int64_t steps_done, int64_t total_steps) {
  const double done = static_cast<double>(steps_done);
  const double warmup = static_cast<double>(config.warmup_steps);
  if (done < warmup) return done / warmup;
  // Share of the steps after the warm-up that is done; a warm-up as long as the run leaves nothing to fall over.
  const double length = std::max(1.0, static_cast<double>(total_steps) - warmup);
  const double progress = std::min(1.0, (done - warmup) / length);
  if (config.schedule == "constant") return 1.0;
  if (config.schedule == "linear") return 1.0 - progress;
  if (config.schedule == "cosine") return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  throw ConfigError("train.schedule", "\"" + config.schedule + "\"", "constant, linear or cosine");
}

}  // namespace tvae
