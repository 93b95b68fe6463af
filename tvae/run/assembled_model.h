// A model of weights that come from elsewhere, under our names: what a converted checkpoint becomes.
#pragma once

#include <string>

#include "tvae/config/presets.h"
#include "tvae/io/safetensors.h"
#include "tvae/io/stored_tensors.h"
#include "tvae/run/run_directory.h"
#include "tvae/text/tokenizer.h"

namespace tvae {

/// A model with a number that is not finite gives no text: better said of the file that holds it than of the model made
/// of it. Throws CheckpointError.
void require_finite(const torch::Tensor& weight, const std::string& name, const std::string& source);

/// Puts a model into a folder, one weight at a time, and the settings of a training that starts from it. Its model
/// section is that of `settings`. Throws what reading a weight throws, and leaves the folder as it was then.
void write_imported_model(RunDirectory& out, const RunConfig& settings, const StoredTensors& weights,
                          const Tokenizer& tokenizer);

/// Writes the model that `resolved` describes with these weights and the tokenizer at `tokenizer` (a directory or
/// .model file) into a folder, with what training from it begins with. The vocabulary has the rows of shared.weight.
/// Throws ConfigError for a model that cannot be, or a folder that holds `source`, the file of the weights;
/// CheckpointError, naming `source`, for weights that are not this model's or not finite, or a tokenizer with more ids.
void assemble_model(const ResolvedConfig& resolved, TensorMap weights, const std::string& tokenizer,
                    const std::string& source, RunDirectory& out);

}  // namespace tvae
