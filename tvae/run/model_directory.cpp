#include "tvae/run/model_directory.h"

#include <torch/cuda.h>

#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/config/presets.h"
#include "tvae/run/quantized_weights.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kModelType[] = "transformer_vae";

void require_directory(const std::string& directory) {
  if (!directory_exists(directory)) throw CheckpointError("no model directory " + directory);
}

Json read_model_json(const std::string& directory) {
  require_directory(directory);
  const std::string path = directory + "/config.json";
  if (!file_exists(path))
    throw CheckpointError(directory + " holds no config.json", "", "the directory of a trained or imported model");
  Json json = read_json_file(path);
  const std::string type =
      json.contains("model_type") && json["model_type"].is_string() ? json["model_type"].get<std::string>() : "";
  if (type == "t5")
    throw UnimportedT5(path + ": model_type", "\"t5\"", std::string("\"") + kModelType + "\"",
                       "import the Hugging Face T5 first");
  if (type != kModelType)
    throw CheckpointError(path + ": model_type", "\"" + type + "\"", std::string("\"") + kModelType + "\"");
  return json;
}

/// What `make` gives. A configuration that it refuses is a damaged file here, and no mistake in a command.
template <class Make>
auto as_checkpoint_error(const std::string& path, const Make& make) {
  try {
    return make();
  } catch (const ConfigError& error) {
    throw CheckpointError(path + ": " + error.what());
  }
}

}  // namespace

void require_writable_model(const std::string& directory, const std::vector<std::string>& files) {
  require_directory(directory);
  try {
    for (const std::string& file : files) require_writable(directory + "/" + file);
  } catch (const DataError& error) {
    throw UnwritableModel(error.what());
  }
}

namespace {

/// What config.json says.
struct SavedConfig {
  ModelConfig model;
  DataConfig data;  // max_tokens and check
};

/// Keys of the data section that stand in config.json, where it has them.
constexpr const char* kDataKeys[] = {"max_tokens", "check"};

SavedConfig read_config(const std::string& directory) {
  const Json json = read_model_json(directory);
  return as_checkpoint_error(directory + "/config.json", [&] {
    RunConfig config;
    for (const char* key : kDataKeys)
      if (json.contains(key)) set_field(config, std::string("data.") + key, json[key]);
    config.model = model_config_from_json(json);
    require_known_ids(config.model);
    return SavedConfig{config.model, config.data};
  });
}

}  // namespace

void require_known_ids(const ModelConfig& model) {
  for (const auto& [name, id] : {std::pair("pad_token_id", model.pad_token_id),
                                 {"eos_token_id", model.eos_token_id},
                                 {"decoder_start_token_id", model.decoder_start_token_id},
                                 {"unk_token_id", model.unk_token_id}})
    if (id >= model.vocab_size)
      throw ConfigError(std::string("model.") + name, std::to_string(id),
                        "an id below model.vocab_size, " + std::to_string(model.vocab_size));
}

ModelConfig load_model_config(const std::string& directory) {
  const ModelConfig model = read_config(directory).model;
  Rng rng(0);
  as_checkpoint_error(directory + "/config.json", [&] { return TransformerVae(model, rng, torch::kMeta); });
  return model;
}

Model load_model(const std::string& directory, torch::Device device, LoadWeights how) {
  const SavedConfig config = read_config(directory);
  Tokenizer tokenizer = Tokenizer::load(directory);
  if (tokenizer.size() > config.model.vocab_size)
    throw CheckpointError(directory + "/config.json: model.vocab_size", std::to_string(config.model.vocab_size),
                          "at least as many ids as the tokenizer has, " + std::to_string(tokenizer.size()));
  const std::string path = directory + "/model.safetensors";
  WeightMap weights = join_scales(load_safetensors(path), path);
  for (auto& [name, weight] : weights) {
    if (!is_finite(weight))
      throw CheckpointError(path + ": numbers of " + name + " are not finite", "", "", "did its training diverge?");
    if (how == LoadWeights::kDense || !device.is_cpu()) weight = {weight.dense()};
  }
  TransformerVae vae = as_checkpoint_error(directory + "/config.json",
                                           [&] { return TransformerVae(config.model, std::move(weights), path); });
  vae.parameters().to(device, at::kFloat);
  return Model{directory, std::move(tokenizer), std::move(vae), config.data.max_tokens, config.data.check};
}

void save_model(const std::string& directory, const ModelConfig& config, int64_t max_tokens, const std::string& check,
                const TensorMap& weights, const Tokenizer& tokenizer) {
  save_model(directory, config, max_tokens, check, in_memory(weights), tokenizer);
}

void save_model(const std::string& directory, const ModelConfig& config, int64_t max_tokens, const std::string& check,
                const StoredTensors& weights, const Tokenizer& tokenizer) {
  Json json = {{"model_type", kModelType}};
  json.update(model_config_to_json(config));
  json["max_tokens"] = max_tokens;
  json["check"] = check;
  tokenizer.save(directory);
  write_safetensors(directory + "/model.safetensors", weights, {{"format", "pt"}});
  write_file_atomically(directory + "/config.json", json.dump(2) + "\n");
}

torch::Device parse_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (name == "auto") return torch::cuda::is_available() ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  const bool cuda = name == "cuda" || (name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.size() < 9 &&
                                       name.find_first_not_of("0123456789", 5) == std::string::npos);
  if (!cuda) throw ConfigError("device", "\"" + name + "\"", "auto, cpu, cuda or cuda:N");
  const int index = name == "cuda" ? 0 : std::stoi(name.substr(5));
  if (index >= static_cast<int>(torch::cuda::device_count()))
    throw ConfigError("device " + name, std::to_string(torch::cuda::device_count()) + " CUDA devices", "",
                      "there is always cpu");
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace tvae
