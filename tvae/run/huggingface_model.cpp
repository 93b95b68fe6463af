#include "tvae/run/huggingface_model.h"

#include <cmath>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
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

ModelConfig imported_config(const HuggingFaceT5& t5, const std::optional<HuggingFaceFunnel>& funnel,
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
ModelConfig possible_config(const HuggingFaceT5& t5, const std::string& directory) {
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

}  // namespace

Model import_huggingface(const HuggingFaceSource& source, const ResolvedConfig& resolved) {
  const HuggingFaceT5 t5 = load_huggingface_t5(source.t5);
  require_finite(t5.weights, source.t5);
  std::optional<HuggingFaceFunnel> funnel;
  if (!source.funnel.empty()) {
    funnel = load_huggingface_funnel(source.funnel);
    require_finite(funnel->weights, source.funnel);
  }
  const ModelConfig t5_config = possible_config(t5, source.t5);
  Tokenizer tokenizer = load_tokenizer(source.t5, source.tokenizer);
  require_same_ids(t5_config, tokenizer, source.t5);
  const ModelConfig config = imported_config(t5, funnel, tokenizer, resolved);
  if (config.vocab_size > t5_config.vocab_size)
    log_warning("the tokenizer has " + std::to_string(config.vocab_size) + " ids and the embedding " +
                std::to_string(t5_config.vocab_size) + " rows: the missing rows start at random");

  TensorMap weights = t5.weights;
  std::string sources = source.t5;
  if (config.encoder == "funnel") {
    std::erase_if(weights, [](const auto& weight) { return belongs_to_encoder(weight.first); });
    if (funnel) {
      weights.merge(funnel->weights);
      sources += " with " + source.funnel;
    } else {
      log_info(
          "the T5's encoder is left out: model.encoder is funnel, and without a pretrained Funnel it starts at random");
    }
  }
  const bool fresh_encoder = config.encoder == "funnel" && !funnel;
  /// The stored weights with those of `vae` where none are stored.
  const auto completed = [&](const TransformerVae& vae) {
    TensorMap all = weights;
    for (const auto& [name, fresh] : vae.parameters().to_map())
      if (belongs_to_bottleneck(name) || (fresh_encoder && belongs_to_encoder(name))) all[name] = fresh.clone();
    return all;
  };
  {  // whether they fit, before memory is taken for sizes that a file claims
    ModelConfig stored = config;
    stored.vocab_size = t5_config.vocab_size;
    Rng rng(0);
    const TransformerVae shapes(stored, rng, torch::kMeta);
    shapes.parameters().require_fit(completed(shapes), sources);
  }
  Rng rng(static_cast<uint64_t>(resolved.config.train.seed));
  TransformerVae vae(config, rng);
  weights = completed(vae);
  load_with_fresh_rows(vae, std::move(weights), t5_config.vocab_size, sources);
  return {source.t5, std::move(tokenizer), std::move(vae), resolved.config.data.max_tokens, resolved.config.data.check};
}

Model import_huggingface(const HuggingFaceSource& source, const ResolvedConfig& resolved, RunDirectory& out) {
  out.require_apart_from(source.t5);
  out.require_apart_from(source.funnel);
  Model model = import_huggingface(source, resolved);
  RunConfig settings = resolved.config;
  settings.model = model.vae.config();
  write_imported_model(out, settings, model.vae.parameters().to_map(), model.tokenizer);
  return model;
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
