// The whole state of a run in one file, so that a kill leaves the old state or the new one.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tvae/config/run_config.h"
#include "tvae/io/safetensors.h"

namespace tvae {

struct Checkpoint {
  TensorMap tensors;             // "model/...", "optimizer/...", "average/...", "objective/..."
  nlohmann::ordered_json state;  // step, random state, data position, running means, best loss

  /// Tensors whose names begin with prefix + "/", without it.
  TensorMap part(const std::string& prefix) const;
  void add(const std::string& prefix, const TensorMap& part);
};

/// OUT/checkpoint/state.safetensors, written atomically.
void save_checkpoint(const std::string& run_directory, const Checkpoint& checkpoint);
/// Throws CheckpointError where the weights in the checkpoint are of other shapes than this model's. Reads the file's
/// header alone.
void require_checkpoint_of(const ModelConfig& model, const std::string& run_directory);
/// Throws CheckpointError where that cannot be seen.
bool has_checkpoint(const std::string& run_directory);
/// nullopt where none was saved yet. Throws CheckpointError when it is damaged.
std::optional<Checkpoint> load_checkpoint(const std::string& run_directory);

}  // namespace tvae
