#include "tvae/train/pilot.h"

#include <torch/cuda.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "tvae/train/train_step.h"
#include "tvae/train/trainer.h"

namespace tvae {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUp = 1, kFewest = 2, kMost = 12;
constexpr double kSeconds = 2.5;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

PilotSpeed measure_speed(const RunConfig& config, const ModelConfig& model, const TokenDataset& data,
                         torch::Device device, Progress& progress) {
  Rng rng(static_cast<uint64_t>(config.train.seed));
  TransformerVae vae(model, rng);
  vae.parameters().to(device, at::kFloat);
  TrainStep step(vae, config);
  Batcher batcher(data, batch_options(config.train));
  TrainingPosition position{0, 1000};
  PilotSpeed speed;
  speed.parameters = vae.parameters().count() - model.vocab_size * model.d_model;
  std::vector<double> seconds;
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < kWarmUp + kMost; ++i) {
    progress.update("measuring the speed", i, kWarmUp + kMost);
    std::vector<TokenBatch> batches;
    StepSizes sizes{0, config.train.accumulation_steps};
    for (int64_t j = 0; j < config.train.accumulation_steps; ++j) {
      batches.push_back(batcher.next());
      sizes.tokens += batches.back().tokens();
    }
    const Clock::time_point start = Clock::now();
    for (const TokenBatch& batch : batches) step.accumulate(batch, sizes, position, rng);
    step.apply(position);
    if (device.is_cuda()) torch::cuda::synchronize(device.index());  // what is asked of a GPU is not yet done
    ++position.step;
    if (i < kWarmUp) continue;
    seconds.push_back(seconds_since(start));
    speed.tokens_a_step += static_cast<double>(sizes.tokens);
    if (i >= kWarmUp + kFewest && seconds_since(begin) > kSeconds) break;
  }
  speed.tokens_a_step /= static_cast<double>(seconds.size());
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2), seconds.end());
  speed.seconds_a_step = seconds[seconds.size() / 2];
  return speed;
}

int64_t steps_within(double minutes, double seconds_a_step) {
  constexpr double kShareOfTraining = 0.92, kMost = 1e9;
  return static_cast<int64_t>(std::clamp(60 * minutes * kShareOfTraining / seconds_a_step, 10.0, kMost));
}

}  // namespace tvae
