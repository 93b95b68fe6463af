// Watches a run for what would make its model useless, and says what it means and what to set: a line a sign, once.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "tvae/config/run_config.h"
#include "tvae/train/observer.h"

namespace tvae {

/// - collapse: the codes carry next to nothing, so that the decoder writes without them;
/// - a rate far from what is asked for in the last third of the run;
/// - held-out texts that are reconstructed worse and worse while the training's are not.
///
/// Runs of fewer than 100 steps are too short to judge.
class HealthWatch : public TrainingObserver {
 public:
  explicit HealthWatch(const LossConfig& loss) : loss_(loss) {}

  void on_train_begin(int64_t, int64_t total_steps, double) override { total_steps_ = total_steps; }
  void on_new_plan(int64_t total_steps) override { total_steps_ = total_steps; }
  void on_log(int64_t step, const Metrics& metrics) override;
  void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) override;

 private:
  double done(int64_t step) const { return static_cast<double>(step) / static_cast<double>(total_steps_); }
  void judge_rate(int64_t step, double kl, const std::optional<RateTarget>& target);
  void judge_reconstruction(int64_t step, double cross_entropy, double rate_target);
  void warn_once(const std::string& sign, const std::string& message);

  LossConfig loss_;
  int64_t total_steps_ = 0;
  double training_cross_entropy_ = 0.0;  // of the last line of the log
  struct Best {
    int64_t step = 0;
    double cross_entropy = 0.0;           // held out
    double training_cross_entropy = 0.0;  // at that time
    double rate_target = 0.0;             // and its, of which only the lowest counts
  };
  std::optional<Best> best_;  // since the rate has come down
  std::set<std::string> told_;
};

}  // namespace tvae
