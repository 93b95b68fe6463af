// A model on disk: config.json, model.safetensors, the tokenizer's files.
#pragma once

#include <string>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/io/stored_tensors.h"
#include "tvae/model/transformer_vae.h"
#include "tvae/text/tokenizer.h"

namespace tvae {

/// A loaded model: everything the verbs need to go from text to code and back.
struct Model {
  std::string directory;
  Tokenizer tokenizer;
  TransformerVae vae;
  int64_t max_tokens;  // longest sequence it was trained for, end of sequence included
  std::string check;   // name of the data's validity check ("none", "python", ...)
};

enum class LoadWeights {
  kDense,     // as fp32: to be trained, or written again
  kAsStored,  // int8 matrices stay int8 on the CPU, for what only infers; everything else becomes fp32
};

/// Throws CheckpointError: no such directory, no or damaged or impossible config.json, weights that do not fit, no
/// tokenizer or one with more ids than the model.
Model load_model(const std::string& directory, torch::Device device = torch::kCPU,
                 LoadWeights how = LoadWeights::kDense);
/// A folder of Hugging Face's T5, which is no model of ours yet.
class UnimportedT5 : public CheckpointError {
 public:
  using CheckpointError::CheckpointError;
};
/// What is to be kept with a model cannot be written there.
class UnwritableModel : public DataError {
 public:
  explicit UnwritableModel(const std::string& what) : DataError(what) {}
};
/// Before minutes of work whose result will be written there. Throws CheckpointError where the model's directory is
/// gone, UnwritableModel where one of its files cannot be written.
void require_writable_model(const std::string& directory, const std::vector<std::string>& files);
/// Its model section alone. Throws CheckpointError, also where no model can have it.
ModelConfig load_model_config(const std::string& directory);
/// Throws ConfigError where an id that means something (padding, end, start, unknown) is beyond the vocabulary.
void require_known_ids(const ModelConfig& model);

/// Writes config.json, model.safetensors and the tokenizer, each atomically. `weights` are saved under the model's
/// names (they may be an average of the parameters rather than the parameters).
void save_model(const std::string& directory, const ModelConfig& config, int64_t max_tokens, const std::string& check,
                const TensorMap& weights, const Tokenizer& tokenizer);
/// The same of weights that are read while they are written, one at a time. Throws what reading throws.
void save_model(const std::string& directory, const ModelConfig& config, int64_t max_tokens, const std::string& check,
                const StoredTensors& weights, const Tokenizer& tokenizer);

/// "auto" (CUDA when there is one), "cpu", "cuda", "cuda:N". Throws ConfigError for others and for absent devices.
torch::Device parse_device(const std::string& name);

}  // namespace tvae
