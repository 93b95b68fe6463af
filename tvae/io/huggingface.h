// Hugging Face's T5 layout: config.json and weight names, both ways.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tvae/io/safetensors.h"

namespace tvae {

/// A T5 directory as Hugging Face writes it.
struct HuggingFaceT5 {
  nlohmann::ordered_json config;  // config.json as it stands
  TensorMap weights;              // names as in systems.md 6; aliases (encoder.embed_tokens, tied lm_head) removed
};

/// Reads config.json and model.safetensors (or model.safetensors.index.json with its shards). A directory that holds
/// only pytorch_model.bin is refused with a hint. Throws CheckpointError.
HuggingFaceT5 load_huggingface_t5(const std::string& directory);

/// Writes config.json and model.safetensors so that transformers' T5ForConditionalGeneration.from_pretrained loads it.
void save_huggingface_t5(const std::string& directory, const HuggingFaceT5& t5);

}  // namespace tvae
