// Free-running decoding of codes: greedy or sampled, batched, with a static key-value cache; a row whose output has
// ended takes the next code.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/model/transformer_vae.h"

namespace tvae {

/// What one output must keep to while it is written.
class OutputConstraint {
 public:
  virtual ~OutputConstraint() = default;
  /// Takes the next id, the end of sequence included; or refuses it and stays as it was. An output of which everything
  /// is refused ends. Those of different outputs are asked by several threads at the same time.
  virtual bool accept(int64_t id) = 0;
};

using OutputConstraintFactory = std::function<std::unique_ptr<OutputConstraint>()>;

struct GenerationOptions {
  int64_t max_tokens = 64;   // longest output, end of sequence included
  bool sample = false;       // false: greedy
  double temperature = 1.0;  // of sampling
  int64_t top_k = 0;         // 0 = all
  double top_p = 1.0;        // 1 = all
  uint64_t seed = 42;        // of sampling
  int64_t batch_rows = 512;  // codes decoded at once, by all decoders together
  /// Called once an output, in the order of the codes, before any is decoded; empty = no constraint. Of the ids it
  /// accepts the likeliest, or one drawn from those, is taken.
  OutputConstraintFactory constraint = {};
};

struct Generated {
  std::vector<int32_t> ids;        // without end of sequence
  std::vector<float> probability;  // of each id, and of the end of sequence if it came
  bool finished = false;           // the end of sequence came before max_tokens
};

/// code [N, K, D] → N outputs, in order. Many codes on the CPU are shared by decoders of one thread each, unless tokens
/// are drawn. Tells of finished outputs after every token. Throws CheckpointError where the decoder gives numbers that
/// are not finite.
std::vector<Generated> generate(const TransformerVae& vae, const torch::Tensor& code, const GenerationOptions& options,
                                Progress& progress = Progress::none());

}  // namespace tvae
