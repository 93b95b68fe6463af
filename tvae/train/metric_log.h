// What a run logs: logs/metrics.jsonl, one JSON object a logged step, and the same numbers for TensorBoard.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tvae/train/event_writer.h"

namespace tvae {

/// Names and values in the order they are to be read.
using Metrics = std::vector<std::pair<std::string, double>>;

class MetricLog {
 public:
  /// Appends to the logs in `directory` (made if absent) of a run that has taken `steps_done` steps, 0 = a new run.
  /// Lines of later steps, and a last line cut off by a kill, are removed first (atomically), so that the log of an
  /// interrupted run ends up with the lines of an uninterrupted one. Throws DataError.
  MetricLog(const std::string& directory, int64_t steps_done);

  /// Appends {"step": step, name: value, ...} and flushes it. Whole numbers are written without a point; values that
  /// are not finite become null.
  void write(int64_t step, const Metrics& metrics);
  /// TensorBoard only.
  void text(int64_t step, const std::string& tag, const std::string& content);

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  EventWriter events_;
};

}  // namespace tvae
