// Codes that several threads want decoded at the same time are decoded together: a decoder's step costs about the same
// for one row as for sixteen.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "tvae/model/generate.h"

namespace tvae {

class SharedGeneration {
 public:
  using Generate = std::function<std::vector<Generated>(const torch::Tensor& codes, const GenerationOptions& options,
                                                        Progress& progress)>;
  /// `generate` decodes; it is called by at most `at_once` threads at a time, each with up to `most_rows` codes (more
  /// where one call has more).
  SharedGeneration(Generate generate, int64_t at_once, int64_t most_rows = 256);

  /// What `generate` gives for these codes, in order; beside others the last digits of a probability may differ, as
  /// they do between batches of any other sizes. A call whose progress throws leaves at once and does not disturb the
  /// others. Outputs that are drawn are never decoded beside others, whose number would change what is drawn.
  std::vector<Generated> operator()(const torch::Tensor& codes, const GenerationOptions& options, Progress& progress);

 private:
  struct Request;
  class OfAll;
  using Batch = std::vector<std::shared_ptr<Request>>;
  Batch take_batch();
  void decode(const Batch& batch, Request& own, Progress& progress);

  Generate generate_;
  const int64_t at_once_, most_rows_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Request>> waiting_;
  int64_t decoding_ = 0;
};

}  // namespace tvae
