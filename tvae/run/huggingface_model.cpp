#include "tvae/run/huggingface_model.h"

#include <cmath>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/model/fresh_weights.h"
#include "tvae/run/assembled_model.h"

namespace tvae {
namespace {

/// What transformers' T5 lacks: names under "vae.".
bool belongs_to_bottleneck(const std::string& name) {
  return name.starts_with("vae.");
}

bool belongs_to_encoder(const std::string& name) {
  return name.starts_with("encoder.");
}

Tokenizer load_tokenizer(const std::string& directory, const std::string& tokenizer) {
  if (!tokenizer.empty()) return Tokenizer::load(tokenizer);
  try {
    return Tokenizer::load(directory);
  } catch (const CheckpointError& error) {
    throw NoTokenizer(error.what());
  }
}

ModelConfig imported_config(const StoredHuggingFaceT5& t5, const std::optional<HuggingFaceFunnel>& funnel,
                            const Tokenizer& tokenizer, const ResolvedConfig& resolved) {
  const ModelConfig& wanted = resolved.config.model;
  ModelConfig model = model_config_from_huggingface(t5.config, wanted);
  if (funnel) model = funnel_config_from_huggingface(funnel->config, model);
  model.vocab_size = std::max(model.vocab_size, tokenizer.size());
  model.unk_token_id = tokenizer.unk_id();
  model.sequence_length = resolved.config.data.max_tokens;
  settle_latent_tokens_and_padding(model);
  const auto take_if_assigned = [&](const std::string& key, double& rate, double given) {
    const auto origin = resolved.origins.find(key);
    if (origin != resolved.origins.end() && origin->second == kAssigned) rate = given;
  };
  take_if_assigned("model.dropout", model.dropout, wanted.dropout);
  take_if_assigned("model.funnel.hidden_dropout", model.funnel.hidden_dropout, wanted.funnel.hidden_dropout);
  take_if_assigned("model.funnel.attention_dropout", model.funnel.attention_dropout, wanted.funnel.attention_dropout);
  take_if_assigned("model.funnel.activation_dropout", model.funnel.activation_dropout,
                   wanted.funnel.activation_dropout);
  require_agreement(model, resolved, "the checkpoint and the tokenizer decide it");
  return model;
}

void require_same_ids(const ModelConfig& t5, const Tokenizer& tokenizer, const std::string& directory) {
  if (tokenizer.pad_id() == t5.pad_token_id && tokenizer.eos_id() == t5.eos_token_id) return;
  const auto ids = [](int64_t pad, int64_t eos) {
    return "pad " + std::to_string(pad) + " and end of sequence " + std::to_string(eos);
  };
  throw CheckpointError("the tokenizer does not belong to " + directory, ids(tokenizer.pad_id(), tokenizer.eos_id()),
                        ids(t5.pad_token_id, t5.eos_token_id));
}

/// The T5 of a config.json. Throws CheckpointError where there can be none like it.
ModelConfig possible_config(const StoredHuggingFaceT5& t5, const std::string& directory) {
  const ModelConfig config = model_config_from_huggingface(t5.config);
  try {
    require_known_ids(config);
    Rng rng(0);
    TransformerVae(config, rng, torch::kMeta);
  } catch (const ConfigError& error) {
    throw CheckpointError(directory + "/config.json: " + error.what());
  }
  return config;
}

/// Numbers that are not finite are reported when they are read.
StoredTensor required_finite(const StoredTensor& weight, const std::string& name, const std::string& source) {
  return {weight.shape, [=] {
            const torch::Tensor numbers = weight.read();
            require_finite(numbers, name, source);
            return numbers;
          }};
}

StoredTensor as_fp32(const StoredTensor& weight) {
  return {weight.shape.to(at::kFloat), [=] { return weight.read().to(at::kFloat); }};
}

StoredTensor with_rows(const StoredTensor& table, const torch::Tensor& rows) {
  return {at::cat({table.shape, rows.to(torch::kMeta)}), [=] { return at::cat({table.read(), rows}); }};
}

/// A model whose pretrained weights are still in their files.
struct StoredModel {
  ModelConfig config;
  Tokenizer tokenizer;
  StoredTensors weights;  // all of it, as fp32
  std::string sources;    // where they come from
};

StoredModel open_huggingface(const HuggingFaceSource& source, const ResolvedConfig& resolved) {
  const StoredHuggingFaceT5 t5 = open_huggingface_t5(source.t5);
  std::optional<HuggingFaceFunnel> funnel;
  if (!source.funnel.empty()) funnel = open_huggingface_funnel(source.funnel);
  const ModelConfig t5_config = possible_config(t5, source.t5);
  Tokenizer tokenizer = load_tokenizer(source.t5, source.tokenizer);
  require_same_ids(t5_config, tokenizer, source.t5);
  const ModelConfig config = imported_config(t5, funnel, tokenizer, resolved);
  const int64_t missing_rows = config.vocab_size - t5_config.vocab_size;
  if (missing_rows > 0)
    log_warning("the tokenizer has " + std::to_string(config.vocab_size) + " ids and the embedding " +
                std::to_string(t5_config.vocab_size) + " rows: the missing rows start at random");

  const bool other_encoder = config.encoder == "funnel", fresh_encoder = other_encoder && !funnel;
  std::string sources = source.t5;
  StoredTensors pretrained;
  for (const auto& [name, weight] : t5.weights)
    if (!other_encoder || !belongs_to_encoder(name)) pretrained[name] = required_finite(weight, name, source.t5);
  if (funnel) {
    sources += " with " + source.funnel;
    for (const auto& [name, weight] : funnel->weights) pretrained[name] = required_finite(weight, name, source.funnel);
  }
  if (fresh_encoder)
    log_info(
        "the T5's encoder is left out: model.encoder is funnel, and without a pretrained Funnel it starts at random");

  {  // whether they fit, before memory is taken for sizes that a file claims
    ModelConfig stored = config;
    stored.vocab_size = t5_config.vocab_size;
    Rng rng(0);
    const TransformerVae shapes(stored, rng, torch::kMeta);
    TensorMap all;
    for (const auto& [name, weight] : pretrained) all[name] = weight.shape;
    for (const auto& [name, shape] : shapes.parameters().to_map())
      if (belongs_to_bottleneck(name) || (fresh_encoder && belongs_to_encoder(name))) all[name] = shape;
    shapes.parameters().require_fit(all, sources);
  }
  Rng rng(static_cast<uint64_t>(resolved.config.train.seed));
  StoredTensors weights = in_memory(fresh_weights_beside_t5(config, fresh_encoder, rng));
  for (const auto& [name, weight] : pretrained) weights.emplace(name, as_fp32(weight));
  if (missing_rows > 0)
    for (const char* table : {"shared.weight", "lm_head.weight"})
      if (const auto found = weights.find(table); found != weights.end())
        found->second = with_rows(found->second, fresh_rows(config, missing_rows, rng));
  return {config, std::move(tokenizer), std::move(weights), std::move(sources)};
}

}  // namespace

Model import_huggingface(const HuggingFaceSource& source, const ResolvedConfig& resolved) {
  StoredModel stored = open_huggingface(source, resolved);
  WeightMap weights;
  for (const auto& [name, weight] : stored.weights) weights[name] = {weight.read()};
  return {source.t5, std::move(stored.tokenizer), TransformerVae(stored.config, std::move(weights), stored.sources),
          resolved.config.data.max_tokens, resolved.config.data.check};
}

ModelSize import_huggingface(const HuggingFaceSource& source, const ResolvedConfig& resolved, RunDirectory& out) {
  out.require_apart_from(source.t5);
  out.require_apart_from(source.funnel);
  const StoredModel stored = open_huggingface(source, resolved);
  RunConfig settings = resolved.config;
  settings.model = stored.config;
  write_imported_model(out, settings, stored.weights, stored.tokenizer);
  ModelSize size{0, stored.tokenizer.size()};
  for (const auto& [name, weight] : stored.weights) size.weights += weight.shape.numel();
  return size;
}

HuggingFaceT5 export_huggingface_t5(const TransformerVae& vae) {
  ModelConfig config = vae.config();
  HuggingFaceT5 t5;
  for (const auto& [name, weight] : vae.parameters().to_map())
    if (!belongs_to_bottleneck(name)) t5.weights[name] = weight;
  if (config.scale_logits && !config.tie_word_embeddings) {
    log_info("Hugging Face's T5 does not scale untied logits: lm_head.weight is multiplied by d_model^-1/2");
    torch::Tensor& projection = t5.weights.at("lm_head.weight");
    projection = projection / std::sqrt(static_cast<double>(config.d_model));
    config.scale_logits = false;
  }
  if (config.scale_attention) {
    log_info("Hugging Face's T5 does not scale attention scores: its query weights are multiplied by d_kv^-1/2");
    for (auto& [name, weight] : t5.weights)
      if (name.ends_with("Attention.q.weight")) weight = weight / std::sqrt(static_cast<double>(config.d_kv));
    config.scale_attention = false;
  }
  t5.config = huggingface_config(config);
  return t5;
}

HuggingFaceT5 export_huggingface_t5(const std::string& model, RunDirectory& out) {
  out.require_apart_from(model);
  const Model loaded = load_model(model);
  HuggingFaceT5 t5 = export_huggingface_t5(loaded.vae);
  out.replace([&](const std::string& folder) {
    loaded.tokenizer.save(folder);
    save_huggingface_t5(folder, t5);
  });
  return t5;
}

}  // namespace tvae
