// A Hugging Face T5, with or without a Funnel encoder, as a model, and the T5 part of a model as a Hugging Face T5.
#pragma once

#include <string>

#include "tvae/base/error.h"
#include "tvae/config/presets.h"
#include "tvae/io/huggingface.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/run_directory.h"

namespace tvae {

/// The folder of a T5 holds no tokenizer that can be read.
class NoTokenizer : public CheckpointError {
 public:
  using CheckpointError::CheckpointError;
};

/// Where the parts of a model come from.
struct HuggingFaceSource {
  std::string t5;              // directory of a T5
  std::string funnel = {};     // directory of a Funnel, whose encoder takes the place of the T5's; empty = none
  std::string tokenizer = {};  // a tokenizer directory or .model file; empty = the one in `t5`
};

/// How large a model is.
struct ModelSize {
  int64_t weights;  // numbers in them
  int64_t ids;      // of its tokenizer
};

/// The T5 with a fresh bottleneck (drawn from train.seed) between its encoder and its decoder. The checkpoints decide
/// everything that they have; from `resolved` comes the rest of the model section, the dropout rates where --set gives
/// them, data.max_tokens and data.check. Without a Funnel checkpoint, model.encoder=funnel makes a fresh one on the
/// T5's embeddings. A --set that contradicts a checkpoint is refused (ConfigError). The embedding has as many rows as
/// config.json says, or fresh ones more where the tokenizer has more ids. Throws CheckpointError (numbers that are not
/// finite among them), NoTokenizer.
Model import_huggingface(const HuggingFaceSource& source, const ResolvedConfig& resolved);

/// The same into a folder, with what training from it begins with (read_imported_settings), one weight at a time: what
/// is in memory is the largest of them and the bottleneck. Throws ConfigError too where the folder is one of those that
/// are read.
ModelSize import_huggingface(const HuggingFaceSource& source, const ResolvedConfig& resolved, RunDirectory& out);

/// Encoder and decoder as T5ForConditionalGeneration computes them. Hugging Face scales the logits of tied embeddings
/// and only those: untied scaled logits get the scale folded into lm_head. Throws ConfigError where that is no
/// Hugging Face T5: a Funnel encoder, or tied embeddings without scaled logits.
HuggingFaceT5 export_huggingface_t5(const TransformerVae& vae);
/// The same of a model directory, with its tokenizer, into a folder that is not in it.
HuggingFaceT5 export_huggingface_t5(const std::string& model, RunDirectory& out);

}  // namespace tvae
