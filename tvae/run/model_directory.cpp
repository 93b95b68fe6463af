#include "tvae/run/model_directory.h"

#include <torch/cuda.h>

#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/config/presets.h"
#include "tvae/run/quantized_weights.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kModelType[] = "transformer_vae";

Json read_model_json(const std::string& directory) {
  if (!directory_exists(directory)) throw CheckpointError("no model directory " + directory);
  const std::string path = directory + "/config.json";
  if (!file_exists(path))
    throw CheckpointError(directory + " holds no config.json", "", "a directory written by tvae train or tvae import");
  const Json json = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw CheckpointError(path + " is not a JSON object");
  const std::string type =
      json.contains("model_type") && json["model_type"].is_string() ? json["model_type"].get<std::string>() : "";
  if (type != kModelType)
    throw CheckpointError(path + ": model_type", "\"" + type + "\"", std::string("\"") + kModelType + "\"",
                          type == "t5" ? "tvae import turns a Hugging Face T5 into a model" : "");
  return json;
}

}  // namespace

ModelConfig load_model_config(const std::string& directory) {
  try {
    return model_config_from_json(read_model_json(directory));
  } catch (const ConfigError& error) {
    throw CheckpointError(directory + "/config.json: " + error.what());
  }
}

Model load_model(const std::string& directory, torch::Device device) {
  const ModelConfig config = load_model_config(directory);
  const Json json = read_model_json(directory);
  int64_t max_tokens = 64;
  std::string check;
  try {
    max_tokens = json.value("max_tokens", int64_t{64});
    check = json.value("check", std::string("none"));
  } catch (const Json::exception&) {
    throw CheckpointError(directory + "/config.json: max_tokens or check has a wrong type");
  }
  Tokenizer tokenizer = Tokenizer::load(directory);
  const std::string path = directory + "/model.safetensors";
  const TensorMap weights = dequantize(load_safetensors(path), path);
  for (const auto& [name, weight] : weights)
    if (weight.is_floating_point() && !weight.isfinite().all().item<bool>())
      throw CheckpointError(path + ": numbers of " + name + " are not finite", "", "", "did its training diverge?");
  Rng rng(0);
  TransformerVae vae(config, rng);
  vae.parameters().load(weights, path);
  vae.parameters().to(device, at::kFloat);
  return Model{directory, std::move(tokenizer), std::move(vae), max_tokens, check};
}

void save_model(const std::string& directory, const ModelConfig& config, int64_t max_tokens, const std::string& check,
                const TensorMap& weights, const Tokenizer& tokenizer) {
  Json json = {{"model_type", kModelType}};
  json.update(model_config_to_json(config));
  json["max_tokens"] = max_tokens;
  json["check"] = check;
  tokenizer.save(directory);
  save_safetensors(directory + "/model.safetensors", weights, {{"format", "pt"}});
  write_file_atomically(directory + "/config.json", json.dump(2) + "\n");
}

torch::Device parse_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (name == "auto") return torch::cuda::is_available() ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  const bool cuda = name == "cuda" || (name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.size() < 9 &&
                                       name.find_first_not_of("0123456789", 5) == std::string::npos);
  if (!cuda) throw ConfigError("--device", "\"" + name + "\"", "auto, cpu, cuda or cuda:N");
  const int index = name == "cuda" ? 0 : std::stoi(name.substr(5));
  if (index >= static_cast<int>(torch::cuda::device_count()))
    throw ConfigError("--device " + name, std::to_string(torch::cuda::device_count()) + " CUDA devices", "",
                      "try --device cpu");
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace tvae
