// Hugging Face's layouts: config.json and weight names of a T5, both ways, and of a Funnel-Transformer's encoder.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tvae/config/run_config.h"
#include "tvae/io/safetensors.h"
#include "tvae/io/stored_tensors.h"

namespace tvae {

/// A T5 directory as Hugging Face writes it.
struct HuggingFaceT5 {
  nlohmann::ordered_json config;  // config.json as it stands
  TensorMap weights;              // names of T5ForConditionalGeneration, dtypes as stored, each weight once
};

/// The same, its weights still in their files.
struct StoredHuggingFaceT5 {
  nlohmann::ordered_json config;
  StoredTensors weights;
};

/// Reads config.json and the headers of model.safetensors (or of the shards of model.safetensors.index.json). Leaves
/// out what is no weight of its own: the other names of the embedding (encoder.embed_tokens, decoder.embed_tokens, and
/// lm_head where tie_word_embeddings holds) and the position bias that old releases had in the decoder's
/// cross-attention. A directory that holds only pytorch_model.bin is refused with a hint. Throws CheckpointError.
StoredHuggingFaceT5 open_huggingface_t5(const std::string& directory);
/// Reads all of it.
HuggingFaceT5 load_huggingface_t5(const std::string& directory);

/// Writes model.safetensors and config.json so that transformers' T5ForConditionalGeneration.from_pretrained loads it.
void save_huggingface_t5(const std::string& directory, const HuggingFaceT5& t5);

/// `base`, by itself the defaults, with the T5 that this config.json describes. Throws CheckpointError where it is no
/// T5 or one with a feed-forward layer other than relu and gated-gelu.
ModelConfig model_config_from_huggingface(const nlohmann::ordered_json& config, const ModelConfig& base);
ModelConfig model_config_from_huggingface(const nlohmann::ordered_json& config);

/// config.json of the T5 part. Throws ConfigError where that is no Hugging Face T5: a Funnel encoder, or logits scaled
/// although untied (or the reverse).
nlohmann::ordered_json huggingface_config(const ModelConfig& config);

/// The encoder of a Funnel-Transformer directory (funnel-transformer/* on the Hugging Face hub).
struct HuggingFaceFunnel {
  nlohmann::ordered_json config;  // config.json as it stands
  StoredTensors weights;          // encoder.blocks.0.0.attention.q_head.weight and so on
};

/// Reads what any of transformers' Funnel classes wrote, files as for a T5; the prefix "funnel." of the classes with a
/// head goes. Embeddings, decoder and heads are left out. Throws CheckpointError, also for names that are none of
/// these.
HuggingFaceFunnel open_huggingface_funnel(const std::string& directory);

/// `base` with this Funnel as its encoder. Throws CheckpointError where config.json is of another kind of model, its
/// width is not base's, or it wants what we lack.
ModelConfig funnel_config_from_huggingface(const nlohmann::ordered_json& config, const ModelConfig& base);

}  // namespace tvae
