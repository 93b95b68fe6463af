// A Hugging Face T5 as a model, and the T5 part of a model as a Hugging Face T5.
#pragma once

#include <string>

#include "tvae/config/presets.h"
#include "tvae/io/huggingface.h"
#include "tvae/model/model_directory.h"

namespace tvae {

/// The T5 of `directory` with a fresh bottleneck (drawn from train.seed) between its encoder and its decoder. The
/// checkpoint decides everything that T5 has; from `resolved` come the bottleneck with its sizes, the dropout where
/// --set gives it, data.max_tokens and data.check. A --set that contradicts the checkpoint is refused (ConfigError).
/// The embedding has as many rows as config.json says, or fresh ones more where the tokenizer has more ids.
/// `tokenizer`: a tokenizer directory or .model file; empty = the one in `directory`. Throws CheckpointError.
Model import_huggingface_t5(const std::string& directory, const std::string& tokenizer, const ResolvedConfig& resolved);

/// Encoder and decoder as T5ForConditionalGeneration computes them. Hugging Face scales the logits of tied embeddings
/// and only those: untied scaled logits get the scale folded into lm_head. Throws ConfigError where that is no
/// Hugging Face T5: a Funnel encoder, or tied embeddings without scaled logits.
HuggingFaceT5 export_huggingface_t5(const TransformerVae& vae);

}  // namespace tvae
