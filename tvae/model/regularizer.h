// Regularizers: what pulls the codes toward the prior N(0, I). A registered one is found by name, loss.regularizer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tvae/config/run_config.h"
#include "tvae/io/safetensors.h"
#include "tvae/model/bottleneck.h"
#include "tvae/model/rate_target.h"

namespace tvae {

/// Numbers for the log, by name: fp64, without dimensions, on the device they were computed on. They are read when they
/// are logged, since a step that asks for a number waits for the GPU.
using StepMetrics = std::map<std::string, torch::Tensor>;

inline torch::Tensor step_metric(double value) {
  return at::scalar_tensor(value, at::kDouble);
}
inline torch::Tensor step_metric(const torch::Tensor& value) {
  return value.detach().to(at::kDouble);
}

/// Where training stands.
struct TrainingPosition {
  int64_t step = 0;  // optimizer steps done
  int64_t total_steps = 1;
  double progress() const { return static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, total_steps)); }
};

/// One micro-batch as a regularizer sees it.
struct RegularizerInput {
  Posterior posterior;  // fp32
  torch::Tensor code;   // [B, K, D] the sampled code, fp32
  int64_t tokens = 0;   // real target tokens of the batch
  TrainingPosition position;
};

struct RegularizerResult {
  torch::Tensor value;  // scalar added to the loss times the scheduled weight
  StepMetrics metrics;  // what else to log, such as the KL in nats a sequence
};

class Regularizer {
 public:
  virtual ~Regularizer() = default;
  virtual RegularizerResult operator()(const RegularizerInput& input, Rng& rng) = 0;
  /// Is told of every evaluation: the cross-entropy of held-out texts, in nats a text.
  virtual void on_held_out(double nats) {}
  /// nullopt where it steers none.
  virtual std::optional<RateTarget> rate_target(const TrainingPosition& position) const { return std::nullopt; }
  /// What a bit-exact continuation needs; cloned tensors.
  virtual TensorMap state() const { return {}; }
  /// Throws CheckpointError when the saved state does not fit.
  virtual void load_state(const TensorMap& saved) {}
};

using RegularizerFactory = std::function<std::unique_ptr<Regularizer>(const LossConfig&, const ModelConfig&)>;
/// By name, loss.regularizer. Each registers itself in a file of its own.
Registry<RegularizerFactory>& regularizers();
/// Throws ConfigError for an unknown name or one that does not go with the model (kl needs a gaussian posterior).
std::unique_ptr<Regularizer> make_regularizer(const LossConfig& loss, const ModelConfig& model);

/// Weight of the regularizer at a position: loss.regularizer_weight times its schedule.
double regularizer_weight(const LossConfig& loss, const TrainingPosition& position);

}  // namespace tvae
