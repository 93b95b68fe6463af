// Several observers as one.
#pragma once

#include <utility>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/train/observer.h"

namespace tvae {

/// Tells each in turn. An Interrupted of one of them is kept until it is asked for: the others hear of the same event,
/// and the step can be finished and saved first.
class ObserverList : public TrainingObserver {
 public:
  explicit ObserverList(std::vector<TrainingObserver*> observers) : observers_(std::move(observers)) {}

  void on_train_begin(int64_t steps_done, int64_t total_steps, double seconds_done) override {
    tell([&](TrainingObserver& observer) { observer.on_train_begin(steps_done, total_steps, seconds_done); });
  }
  void on_new_plan(int64_t total_steps) override {
    tell([&](TrainingObserver& observer) { observer.on_new_plan(total_steps); });
  }
  void on_step_end(int64_t step) override {
    tell([&](TrainingObserver& observer) { observer.on_step_end(step); });
  }
  void on_log(int64_t step, const Metrics& metrics) override {
    tell([&](TrainingObserver& observer) { observer.on_log(step, metrics); });
  }
  void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) override {
    tell([&](TrainingObserver& observer) { observer.on_evaluate(step, evaluation); });
  }
  void on_train_end(int64_t step) override {
    tell([&](TrainingObserver& observer) { observer.on_train_end(step); });
  }

  /// Whether one of them asked for the end.
  bool interrupted() const { return interrupted_; }

 private:
  template <class Event>
  void tell(const Event& event) {
    for (TrainingObserver* const observer : observers_) {
      try {
        event(*observer);
      } catch (const Interrupted&) {
        interrupted_ = true;
      }
    }
  }

  std::vector<TrainingObserver*> observers_;
  bool interrupted_ = false;
};

}  // namespace tvae
