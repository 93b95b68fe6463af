// Who watches a run, and what they are told: a log, a progress bar, a front end of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tvae/corpus/png.h"
#include "tvae/model/rate_target.h"

namespace tvae {

/// Names and values in the order they are to be read.
using Metrics = std::vector<std::pair<std::string, double>>;

/// Held-out scores with codes at their means and teacher forcing.
struct HeldOutScores {
  double cross_entropy = 0.0;  // nats a token
  double token_accuracy = 0.0;
  std::optional<double> kl;  // nats a sequence to N(0, I)
  double nats = 0.0;         // the cross-entropy a sequence
};

/// A decoded text of a preview.
struct PreviewText {
  double ratio = 0.0;  // between the two ends of an interpolation
  std::string text;
  std::optional<bool> valid;  // nullopt without a validity check
};

/// What a run shows of its model at an evaluation.
struct Preview {
  /// The published table (Transformer-VAE 2021): the source text at ratio -10, outputs at 0, 0.1, ... 1, the target
  /// text at 10.
  std::vector<PreviewText> interpolation;
  std::vector<PreviewText> samples;
  std::optional<Picture> strip;  // the interpolation's texts as images, for MNIST text
};

/// What an evaluation found.
struct HeldOutEvaluation {
  HeldOutScores scores;
  Preview preview;                        // empty where there is none
  Metrics metrics;                        // the scores and the preview's figures, by the names they are logged under
  std::optional<RateTarget> rate_target;  // nullopt where none is steered toward
};

/// Is told of a run by the thread that trains; every method does nothing unless it is overridden. `step` counts the
/// steps done. What a method throws ends the run: Interrupted once the step is whole, told to all and saved; anything
/// else at once, with the state as it was saved last.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;

  /// Before the first step. A run that is resumed has done some already, in so many seconds.
  virtual void on_train_begin(int64_t steps_done, int64_t total_steps, double seconds_done) {}
  /// The run will take another number of steps than it planned: it has a time to keep to, and its speed is known now.
  virtual void on_new_plan(int64_t total_steps) {}
  /// The weights have changed.
  virtual void on_step_end(int64_t step) {}
  /// Every train.log_steps: means since the last time (loss, cross_entropy, ...), learning rate, speed.
  virtual void on_log(int64_t step, const Metrics& metrics) {}
  /// Every train.eval_steps and after the last step, where there are held-out texts.
  virtual void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) {}
  /// The run is finished and saved. Not called where it was interrupted.
  virtual void on_train_end(int64_t step) {}
};

}  // namespace tvae
