// What a run logs, as lines of JSON and for TensorBoard: logs/metrics.jsonl with one object a logged step, and what
// previews show.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tvae/train/event_writer.h"
#include "tvae/train/observer.h"

namespace tvae {

/// A file of JSON objects with a "step", one a line.
class StepLog {
 public:
  /// Appends to what is there of a run that has taken `steps_done` steps, 0 = a new run. Lines of later steps, and a
  /// last line cut off by a kill, are removed first (atomically), so that the log of an interrupted run ends up with
  /// the lines of an uninterrupted one. Throws DataError.
  StepLog(const std::string& path, int64_t steps_done);
  /// Appends {"step": step, ...fields} and flushes it.
  void write(int64_t step, const nlohmann::ordered_json& fields);

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

class MetricLog : public TrainingObserver {
 public:
  /// Logs in `directory` (made if absent); see StepLog.
  MetricLog(const std::string& directory, int64_t steps_done);

  void on_log(int64_t step, const Metrics& metrics) override { write(step, metrics); }
  void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) override {
    write(step, evaluation.metrics);
    write(step, evaluation.preview);
  }

  /// To metrics.jsonl and TensorBoard. Whole numbers are written without a point; values that are not finite become
  /// null.
  void write(int64_t step, const Metrics& metrics);
  /// To interpolations.jsonl, samples.jsonl, images/interpolation-STEP.png, and TensorBoard's text and image tabs.
  void write(int64_t step, const Preview& preview);

 private:
  std::string directory_;
  StepLog metrics_, interpolations_, samples_;
  EventWriter events_;
};

}  // namespace tvae
