// The training loop: batches → objective → gradients → optimizer, with evaluation, logs and exact resume.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tvae/base/progress.h"
#include "tvae/data/batcher.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/run_directory.h"
#include "tvae/run/run_record.h"
#include "tvae/train/checkpoint.h"
#include "tvae/train/metric_log.h"
#include "tvae/train/train_step.h"

namespace tvae {

class Previewer;
class ProgressBar;

struct LabelledSequences {
  std::vector<int64_t> sequences;  // indices into a dataset
  std::vector<std::string> labels;
};

/// What a trainer works on.
struct TrainingSetup {
  RunConfig config;
  Model model;
  TokenDataset train;
  std::optional<TokenDataset> valid;
  LabelledSequences probe;  // what of `valid` the previews' probe is shown, or none
  RunRecord record = {};    // what run.json says; the trainer keeps its training section up to date
};

/// Held-out scores with codes at their means and teacher forcing.
struct HeldOutScores {
  double cross_entropy = 0.0;  // nats a token
  double token_accuracy = 0.0;
  std::optional<double> kl;  // nats a sequence to N(0, I)
};
/// Of about `max_sequences` of them (0 = all), batches that mix lengths from all over the data; the same in every call.
HeldOutScores evaluate_held_out(const TransformerVae& vae, const TokenDataset& data, int64_t max_sequences);

class Trainer {
 public:
  Trainer(TrainingSetup& setup, const RunDirectory& run);
  ~Trainer();

  /// Goes on from a checkpoint. Throws CheckpointError where it does not fit.
  void restore(const Checkpoint& checkpoint);
  /// Runs to the last step, and tells of each. Where the listener throws Interrupted the state is saved before that
  /// leaves, unless that was the last step: a run that has just finished is finished.
  void run(Progress& progress = Progress::none());
  /// Writes the model as it is now, its card and run.json into a folder: the run's own, or the one that becomes it.
  void save_model_files(const std::string& folder) const;

  int64_t step() const { return position_.step; }
  int64_t total_steps() const { return position_.total_steps; }

 private:
  bool is_asked_to_stop(Progress& progress) const;
  void train_step();
  void log_step(MetricLog& log, ProgressBar& bar);
  void evaluate(MetricLog& log, ProgressBar& bar);
  bool finished() const;
  bool stop_early() const;
  void save();
  Checkpoint checkpoint() const;
  RunRecord record() const;

  TrainingSetup& setup_;
  const RunDirectory& run_;
  const TrainConfig& config_;
  Batcher batcher_;
  TrainStep step_;
  Rng rng_;
  TrainingPosition position_;
  std::unique_ptr<Previewer> previewer_;

  // Since the last logged step.
  struct MetricSum {
    double sum = 0.0;
    int64_t count = 0;  // micro-batches that had the metric
    void add(double value) {
      sum += value;
      ++count;
    }
    double mean() const { return sum / static_cast<double>(count); }
  };
  std::map<std::string, MetricSum> metrics_;
  int64_t tokens_ = 0;
  double interval_seconds_ = 0.0;

  double learning_rate_ = 0.0;                // of the last step
  double seconds_ = 0.0;                      // of training, over all resumes
  std::optional<HeldOutScores> last_scores_;  // for the model card
  double best_cross_entropy_ = 0.0;
  int64_t best_step_ = -1;
  int64_t evaluations_since_best_ = 0;
};

}  // namespace tvae
