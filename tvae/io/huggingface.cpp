#include "tvae/io/huggingface.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kEmbedding[] = "shared.weight";
constexpr char kOutputProjection[] = "lm_head.weight";
// transformers 3.0.2 had it and later releases ignore it.
constexpr char kStrayBias[] = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";

/// Fields of config.json, with the defaults of transformers' T5Config, and of our configuration.
struct Key {
  const char* huggingface;
  const char* ours;
  Json fallback;
};
const std::vector<Key> kT5Keys = {
    {"vocab_size", "vocab_size", 32128},
    {"d_model", "d_model", 512},
    {"d_kv", "d_kv", 64},
    {"d_ff", "d_ff", 2048},
    {"num_heads", "num_heads", 8},
    {"num_layers", "encoder_layers", 6},
    {"num_decoder_layers", "decoder_layers", nullptr},  // as many as in the encoder
    {"feed_forward_proj", "feed_forward", "relu"},
    {"dropout_rate", "dropout", 0.1},
    {"relative_attention_num_buckets", "relative_attention_num_buckets", 32},
    {"relative_attention_max_distance", "relative_attention_max_distance", 128},
    {"layer_norm_epsilon", "layer_norm_epsilon", 1e-6},
    {"initializer_factor", "initializer_factor", 1.0},
    {"tie_word_embeddings", "tie_word_embeddings", true},
    {"pad_token_id", "pad_token_id", 0},
    {"eos_token_id", "eos_token_id", 1},
    {"decoder_start_token_id", "decoder_start_token_id", 0},
};
/// The same of FunnelConfig, and of our model.funnel.
const std::vector<Key> kFunnelKeys = {
    {"n_head", "num_heads", 12},
    {"d_head", "d_kv", 64},
    {"d_inner", "d_inner", 3072},
    {"hidden_dropout", "hidden_dropout", 0.1},
    {"attention_dropout", "attention_dropout", 0.1},
    {"activation_dropout", "activation_dropout", 0.0},
    {"layer_norm_eps", "layer_norm_epsilon", 1e-9},
    {"pooling_type", "pooling", "mean"},
    {"attention_type", "attention", "relative_shift"},
    {"separate_cls", "separate_cls", true},
    {"truncate_seq", "truncate_seq", true},
    {"pool_q_only", "pool_q_only", true},
};
constexpr char kFunnelPrefix[] = "funnel.";
/// What transformers' Funnel classes have besides the encoder.
const std::vector<std::string> kNoFunnelEncoder = {
    "embeddings.", "decoder.", "lm_head.", "discriminator_predictions.", "classifier.", "qa_outputs."};

/// Hugging Face writes null for a field at its default.
Json value_of(const Json& config, const char* key, const Json& fallback) {
  return config.contains(key) && !config[key].is_null() ? config[key] : fallback;
}

Json read_json(const std::string& path) {
  if (!file_exists(path)) throw CheckpointError("no file " + path);
  return read_json_file(path);
}

/// The weights of all the shards that the index names.
StoredTensors open_shards(const std::string& directory, const std::string& index_path) {
  const Json index = read_json(index_path);
  if (!index.contains("weight_map") || !index["weight_map"].is_object())
    throw CheckpointError(index_path + " holds no weight_map");
  std::set<std::string> files;
  for (const auto& [name, file] : index["weight_map"].items()) {
    if (!file.is_string() || file.get<std::string>().find('/') != std::string::npos)
      throw CheckpointError(index_path + ": file of " + name, file.dump(), "a file name in the same directory");
    files.insert(file.get<std::string>());
  }
  StoredTensors weights;
  for (const std::string& file : files)
    for (const auto& [name, tensor] : open_safetensors(directory + "/" + file))
      if (!weights.emplace(name, tensor).second) throw CheckpointError(directory + ": two shards hold " + name);
  for (const auto& [name, file] : index["weight_map"].items())
    if (!weights.count(name))
      throw CheckpointError(directory + "/" + file.get<std::string>() + " lacks " + name, "", "",
                            "model.safetensors.index.json says it is there");
  return weights;
}

/// `python_class` is what reads a pickled model in Python.
StoredTensors open_weights(const std::string& directory, const std::string& python_class) {
  const std::string path = directory + "/model.safetensors";
  const std::string index_path = path + ".index.json";
  if (file_exists(path)) return open_safetensors(path);
  if (file_exists(index_path)) return open_shards(directory, index_path);
  const bool pickled =
      file_exists(directory + "/pytorch_model.bin") || file_exists(directory + "/pytorch_model.bin.index.json");
  throw CheckpointError(
      directory + " holds no model.safetensors", pickled ? "pytorch_model.bin" : "", "",
      pickled ? "in Python, " + python_class + ".from_pretrained(DIR).save_pretrained(DIR) writes model.safetensors"
              : "");
}

void require_model_type(const Json& config, const std::string& type, const std::string& model) {
  const Json found = value_of(config, "model_type", "");
  if (found != type)
    throw CheckpointError("config.json of " + model + ": model_type", found.dump(), "\"" + type + "\"");
}

ModelConfig checked_config(const Json& config, const std::string& model) {
  try {
    return model_config_from_json(config);
  } catch (const ConfigError& error) {
    throw CheckpointError("config.json of " + model + ": " + error.what());
  }
}

/// [3, 3] → "3_3"
Json joined_numbers(const Json& list, const char* key) {
  if (!list.is_array() || list.empty())
    throw CheckpointError("config.json of a Funnel: " + std::string(key), list.dump(),
                          "a list of numbers, one a block");
  std::vector<std::string> numbers;
  for (const Json& number : list) numbers.push_back(number.dump());
  return join(numbers, "_");
}

bool same_values(const StoredTensor& a, const StoredTensor& b) {
  return a.shape.scalar_type() == b.shape.scalar_type() && a.shape.sizes() == b.shape.sizes() &&
         torch::equal(a.read(), b.read());
}

/// Leaves one name for each weight. Where a file holds only another name of the embedding, that becomes shared.weight.
void remove_aliases(const std::string& directory, bool tied, StoredTensors& weights) {
  std::vector<std::string> aliases = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"};
  if (tied) aliases.push_back(kOutputProjection);
  for (const std::string& alias : aliases) {
    const auto found = weights.find(alias);
    if (found == weights.end()) continue;
    const auto [embedding, renamed] = weights.emplace(kEmbedding, found->second);
    if (!renamed && !same_values(embedding->second, found->second))
      log_warning(directory + ": " + alias + " differs from " + kEmbedding + ", which is used for both");
    weights.erase(found);
  }
  weights.erase(kStrayBias);
  if (!weights.count(kEmbedding)) throw CheckpointError(directory + ": the weights lack " + kEmbedding);
  if (!tied && !weights.count(kOutputProjection))
    throw CheckpointError(directory + ": the weights lack " + kOutputProjection, "", "",
                          "config.json says tie_word_embeddings: false");
}

}  // namespace

HuggingFaceFunnel open_huggingface_funnel(const std::string& directory) {
  if (!directory_exists(directory)) throw CheckpointError("no directory " + directory);
  HuggingFaceFunnel funnel;
  funnel.config = read_json(directory + "/config.json");
  require_model_type(funnel.config, "funnel", "a Funnel");
  for (const auto& [stored, tensor] : open_weights(directory, "FunnelBaseModel")) {
    const std::string name = stored.starts_with(kFunnelPrefix) ? stored.substr(strlen(kFunnelPrefix)) : stored;
    const auto begins = [&](const std::string& part) { return name.starts_with(part); };
    if (begins("encoder."))
      funnel.weights[name] = tensor;
    else if (std::none_of(kNoFunnelEncoder.begin(), kNoFunnelEncoder.end(), begins))
      throw CheckpointError(directory + " has a weight that no Funnel has", stored);
  }
  return funnel;
}

StoredHuggingFaceT5 open_huggingface_t5(const std::string& directory) {
  if (!directory_exists(directory)) throw CheckpointError("no directory " + directory);
  StoredHuggingFaceT5 t5;
  t5.config = read_json(directory + "/config.json");
  const bool tied = model_config_from_huggingface(t5.config).tie_word_embeddings;
  t5.weights = open_weights(directory, "T5ForConditionalGeneration");
  remove_aliases(directory, tied, t5.weights);
  return t5;
}

HuggingFaceT5 load_huggingface_t5(const std::string& directory) {
  const StoredHuggingFaceT5 stored = open_huggingface_t5(directory);
  HuggingFaceT5 t5{stored.config, {}};
  for (const auto& [name, weight] : stored.weights) t5.weights[name] = weight.read();
  return t5;
}

void save_huggingface_t5(const std::string& directory, const HuggingFaceT5& t5) {
  make_directories(directory);
  save_safetensors(directory + "/model.safetensors", t5.weights, {{"format", "pt"}});
  write_file_atomically(directory + "/config.json", t5.config.dump(2) + "\n");
}

ModelConfig model_config_from_huggingface(const Json& config, const ModelConfig& base) {
  require_model_type(config, "t5", "a T5");
  Json model = model_config_to_json(base);
  for (const Key& key : kT5Keys) model[key.ours] = value_of(config, key.huggingface, key.fallback);
  if (model["decoder_layers"].is_null()) model["decoder_layers"] = model["encoder_layers"];
  model["scale_logits"] = model["tie_word_embeddings"];
  model["scale_attention"] = false;
  return checked_config(model, "a T5");
}

ModelConfig model_config_from_huggingface(const Json& config) {
  const ModelConfig defaults;
  return model_config_from_huggingface(config, defaults);
}

ModelConfig funnel_config_from_huggingface(const Json& config, const ModelConfig& base) {
  require_model_type(config, "funnel", "a Funnel");
  const auto require = [&](const char* key, const Json& fallback, const Json& wanted, const std::string& reason) {
    if (const Json value = value_of(config, key, fallback); value != wanted)
      throw CheckpointError(std::string("config.json of a Funnel: ") + key, value.dump(), wanted.dump() + reason);
  };
  require("d_model", 768, base.d_model, ", the width of the T5");
  require("hidden_act", "gelu_new", "gelu_new", "");
  Json model = model_config_to_json(base);
  Json& encoder = model["funnel"];
  for (const Key& key : kFunnelKeys) encoder[key.ours] = value_of(config, key.huggingface, key.fallback);
  model["encoder"] = "funnel";
  encoder["block_sizes"] = joined_numbers(value_of(config, "block_sizes", {4, 4, 4}), "block_sizes");
  const Json repeats = value_of(config, "block_repeats", nullptr);
  encoder["block_repeats"] = repeats.is_null() ? Json("") : joined_numbers(repeats, "block_repeats");
  return checked_config(model, "a Funnel");
}

Json huggingface_config(const ModelConfig& config) {
  if (config.encoder != "t5") throw ConfigError("a T5 for Hugging Face: model.encoder", config.encoder, "t5");
  if (config.scale_attention) throw ConfigError("a T5 for Hugging Face: model.scale_attention", "true", "false");
  if (config.scale_logits != config.tie_word_embeddings)
    throw ConfigError("a T5 for Hugging Face: model.scale_logits", config.scale_logits ? "true" : "false",
                      "the same as model.tie_word_embeddings");
  const Json model = model_config_to_json(config);
  Json result = {{"architectures", Json::array({"T5ForConditionalGeneration"})},
                 {"model_type", "t5"},
                 {"is_encoder_decoder", true}};
  for (const Key& key : kT5Keys) result[key.huggingface] = model[key.ours];
  return result;
}

}  // namespace tvae
