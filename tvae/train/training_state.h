// What a run remembers between two steps besides its tensors.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tvae/data/batcher.h"
#include "tvae/model/regularizer.h"
#include "tvae/ops/rng.h"
#include "tvae/train/observer.h"

namespace tvae {

/// What is added up between two lines of the log.
struct MetricInterval {
  struct Sum {
    torch::Tensor sum = step_metric(0.0);  // a StepMetric
    int64_t count = 0;                     // micro-batches that had the metric
    double mean() const { return sum.item<double>() / static_cast<double>(count); }
  };
  std::map<std::string, Sum> sums;
  int64_t tokens = 0;
  double seconds = 0.0;

  void add(const std::string& name, const torch::Tensor& value);
  double mean(const std::string& name) const { return sums.at(name).mean(); }
};

/// The best held-out score so far, of those at the lowest rate that was steered toward.
struct BestScore {
  int64_t step = -1;  // none yet
  double cross_entropy = 0.0;
  int64_t evaluations_since = 0;
  double rate_target = 0.0;  // nats a sequence; 0 where none is steered toward

  /// Whether a new score is the best one: the first at a lower rate is. What is no number never is, and no score to
  /// beat.
  bool take(int64_t at_step, double score, double at_rate_target);
};

struct TrainingState {
  TrainingPosition position;
  Rng rng{0};
  BatchPosition batch;
  std::vector<std::string> data;  // fingerprints of the rows that are trained on and, where there are some, held out
  double seconds = 0.0;           // of training, over all resumes
  MetricInterval interval;
  std::optional<HeldOutScores> last_scores;  // for the model card
  BestScore best;
};

/// The state as checkpoints keep it. `finished` is for those that only read it.
nlohmann::ordered_json training_state_to_json(const TrainingState& state, bool finished);
/// The reverse; reads what earlier versions wrote. Throws CheckpointError.
TrainingState training_state_from_json(const nlohmann::ordered_json& json);

}  // namespace tvae
