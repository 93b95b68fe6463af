// Hugging Face's T5 layout: config.json and weight names, both ways.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tvae/config/run_config.h"
#include "tvae/io/safetensors.h"

namespace tvae {

/// A T5 directory as Hugging Face writes it.
struct HuggingFaceT5 {
  nlohmann::ordered_json config;  // config.json as it stands
  TensorMap weights;              // names of T5ForConditionalGeneration, dtypes as stored, each weight once
};

/// Reads config.json and model.safetensors (or model.safetensors.index.json with its shards). Leaves out what is no
/// weight of its own: the other names of the embedding (encoder.embed_tokens, decoder.embed_tokens, and lm_head where
/// tie_word_embeddings holds) and the position bias that old releases had in the decoder's cross-attention. A directory
/// that holds only pytorch_model.bin is refused with a hint. Throws CheckpointError.
HuggingFaceT5 load_huggingface_t5(const std::string& directory);

/// Writes model.safetensors and config.json so that transformers' T5ForConditionalGeneration.from_pretrained loads it.
void save_huggingface_t5(const std::string& directory, const HuggingFaceT5& t5);

/// The T5 part of the model that this config.json describes; the rest stays at its defaults. Throws CheckpointError
/// where it is no T5 or one with a feed-forward layer other than relu and gated-gelu.
ModelConfig model_config_from_huggingface(const nlohmann::ordered_json& config);

/// config.json of the T5 part. Throws ConfigError where that is no Hugging Face T5: a Funnel encoder, or logits scaled
/// although untied (or the reverse).
nlohmann::ordered_json huggingface_config(const ModelConfig& config);

}  // namespace tvae
