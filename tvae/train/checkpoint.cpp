#include "tvae/train/checkpoint.h"

#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/json.h"
#include "tvae/model/transformer_vae.h"

namespace tvae {
namespace {

std::string checkpoint_path(const std::string& run_directory) {
  return run_directory + "/checkpoint/state.safetensors";
}

}  // namespace

TensorMap Checkpoint::part(const std::string& prefix) const {
  TensorMap found;
  const std::string start = prefix + "/";
  for (auto it = tensors.lower_bound(start); it != tensors.end() && it->first.compare(0, start.size(), start) == 0;
       ++it)
    found[it->first.substr(start.size())] = it->second;
  return found;
}

void Checkpoint::add(const std::string& prefix, const TensorMap& part) {
  for (const auto& [name, tensor] : part) tensors[prefix + "/" + name] = tensor;
}

void save_checkpoint(const std::string& run_directory, const Checkpoint& checkpoint) {
  save_safetensors(checkpoint_path(run_directory), checkpoint.tensors, {{"state", checkpoint.state.dump()}});
}

void require_checkpoint_of(const ModelConfig& model, const std::string& run_directory) {
  const std::string path = checkpoint_path(run_directory);
  const TensorMap weights = Checkpoint{load_safetensors_shapes(path), {}}.part("model");
  if (weights.empty()) throw CheckpointError(path + " holds no training state");
  Rng rng(0);
  TransformerVae(model, rng, torch::kMeta).parameters().require_fit(weights, path);
}

bool has_checkpoint(const std::string& run_directory) {
  // A folder that cannot be looked into is not one without a checkpoint: the run would start again.
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(checkpoint_path(run_directory), error);
  if (status.type() == std::filesystem::file_type::none)
    throw CheckpointError("cannot read " + checkpoint_path(run_directory) + ": " + error.message());
  return std::filesystem::exists(status);
}

std::optional<Checkpoint> load_checkpoint(const std::string& run_directory) {
  if (!has_checkpoint(run_directory)) return std::nullopt;
  const std::string path = checkpoint_path(run_directory);
  Checkpoint checkpoint;
  std::map<std::string, std::string> metadata;
  checkpoint.tensors = load_safetensors(path, &metadata);
  checkpoint.state = parse_json(metadata["state"]);
  if (!checkpoint.state.is_object()) throw CheckpointError(path + " holds no training state");
  return checkpoint;
}

}  // namespace tvae
