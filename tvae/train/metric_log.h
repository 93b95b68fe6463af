// What a run logs, as lines of JSON and for TensorBoard: logs/metrics.jsonl with one object a logged step, and what
// previews show.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tvae/train/event_writer.h"

namespace tvae {

/// Names and values in the order they are to be read.
using Metrics = std::vector<std::pair<std::string, double>>;

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

class MetricLog {
 public:
  /// Logs in `directory` (made if absent); see StepLog.
  MetricLog(const std::string& directory, int64_t steps_done);

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
