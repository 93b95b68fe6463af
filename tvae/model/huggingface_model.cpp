#include "tvae/model/huggingface_model.h"

#include <cmath>

#include "tvae/base/error.h"
#include "tvae/base/log.h"

namespace tvae {
namespace {

/// What transformers' T5 lacks: names under "vae.".
bool belongs_to_bottleneck(const std::string& name) {
  return name.starts_with("vae.");
}

Tokenizer load_tokenizer(const std::string& directory, const std::string& tokenizer) {
  if (!tokenizer.empty()) return Tokenizer::load(tokenizer);
  try {
    return Tokenizer::load(directory);
  } catch (const CheckpointError& error) {
    throw CheckpointError(error.what(), "", "", "--tokenizer DIR takes one from elsewhere");
  }
}

ModelConfig imported_config(const ModelConfig& t5, const Tokenizer& tokenizer, const ResolvedConfig& resolved) {
  const ModelConfig& wanted = resolved.config.model;
  ModelConfig model = t5;
  model.bottleneck = wanted.bottleneck;
  model.latent_tokens = wanted.latent_tokens;
  model.latent_size = wanted.latent_size;
  model.sequence_length = resolved.config.data.max_tokens;
  model.posterior = wanted.posterior;
  model.pooling_layers = wanted.pooling_layers;
  model.inject_latent = wanted.inject_latent;
  model.bag_of_words = wanted.bag_of_words;
  model.vocab_size = std::max(t5.vocab_size, tokenizer.size());
  model.unk_token_id = tokenizer.unk_id();
  const auto dropout = resolved.origins.find("model.dropout");
  if (dropout != resolved.origins.end() && dropout->second == "--set") model.dropout = wanted.dropout;
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

}  // namespace

Model import_huggingface_t5(const std::string& directory, const std::string& tokenizer_path,
                            const ResolvedConfig& resolved) {
  const HuggingFaceT5 t5 = load_huggingface_t5(directory);
  const ModelConfig t5_config = model_config_from_huggingface(t5.config);
  Tokenizer tokenizer = load_tokenizer(directory, tokenizer_path);
  require_same_ids(t5_config, tokenizer, directory);
  const ModelConfig config = imported_config(t5_config, tokenizer, resolved);
  if (config.vocab_size > t5_config.vocab_size)
    log_warning("the tokenizer has " + std::to_string(config.vocab_size) + " ids and the embedding " +
                std::to_string(t5_config.vocab_size) + " rows: the missing rows start at random");

  Rng rng(static_cast<uint64_t>(resolved.config.train.seed));
  TransformerVae vae(config, rng);
  TensorMap weights = t5.weights;
  for (const auto& [name, fresh] : vae.parameters().to_map())
    if (belongs_to_bottleneck(name)) weights[name] = fresh.clone();
  load_with_fresh_rows(vae, weights, t5_config.vocab_size, directory);
  return {directory, std::move(tokenizer), std::move(vae), resolved.config.data.max_tokens, resolved.config.data.check};
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

}  // namespace tvae
