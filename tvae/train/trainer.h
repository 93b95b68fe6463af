// The training loop: batches → objective → gradients → optimizer, with evaluation, observers and exact resume.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/data/batcher.h"
#include "tvae/dist/communicator.h"
#include "tvae/run/run_directory.h"
#include "tvae/train/checkpoint.h"
#include "tvae/train/observer.h"
#include "tvae/train/setup.h"
#include "tvae/train/train_step.h"
#include "tvae/train/training_state.h"

namespace tvae {

class Previewer;

/// How a run cuts its data into batches.
BatchOptions batch_options(const TrainConfig& config);

class Trainer {
 public:
  /// `run`: nullptr in all processes but the first, which alone writes and evaluates.
  Trainer(TrainingSetup& setup, const RunDirectory* run, Communicator& communicator = lone_process());
  ~Trainer();

  /// Goes on from a checkpoint, which may have planned other steps where the run is extended. Throws CheckpointError
  /// where it does not fit.
  void restore(const Checkpoint& checkpoint, bool extended = false);
  /// Runs to the last step; the run's own log hears of it first, then `observers`, and `progress` of each whole step.
  /// Where one of them throws Interrupted the state is saved before that leaves, unless that was the last step: a run
  /// that has just finished is finished.
  void run(Progress& progress = Progress::none(), const std::vector<TrainingObserver*>& observers = {});
  /// The weights as they are now, for the first process. All call it together.
  TensorMap weights() const { return step_.weights(); }
  /// Writes the model with these weights, its card and run.json into a folder: the run's own, or the one that becomes
  /// it.
  void save_model_files(const std::string& folder, const TensorMap& weights) const;

  int64_t step() const { return state_.position.step; }
  int64_t total_steps() const { return state_.position.total_steps; }
  /// At the last step, or stopped early.
  bool finished() const;
  /// Of the best held-out score; -1 where there is none yet.
  int64_t best_step() const { return state_.best.step; }

 private:
  void train_step();
  /// Throws where a step of this interval had gradients that are not finite.
  void require_finite();
  /// Whether the plan has changed: that of the first process, which the others follow.
  bool plan_together();
  /// Other steps, where the run has a time to keep to and now knows its speed. Whether the plan has changed.
  bool plan_again();
  Metrics close_interval();
  HeldOutEvaluation evaluate();
  /// Scores of the first process, in all.
  void share(HeldOutScores& scores);
  void take(const HeldOutEvaluation& evaluation);
  bool asks_to_stop(Progress& progress) const;
  /// The model as it is to be used: with the averaged weights.
  void keep_model();
  void save();

  TrainingSetup& setup_;
  const RunDirectory* run_;
  Communicator& communicator_;
  const TrainConfig& config_;
  Batcher batcher_;
  TrainStep step_;
  TrainingState state_;
  std::unique_ptr<Previewer> previewer_;
  bool evaluates_ = false, has_plan_ = false;  // the first process
  size_t plans_ = 0;                           // how often the plan was looked at
  double learning_rate_ = 0.0;                 // of the last step
};

}  // namespace tvae
