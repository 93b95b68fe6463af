// A model of weights that come from elsewhere, under our names: what a converted checkpoint becomes.
#pragma once

#include <string>

#include "tvae/config/presets.h"
#include "tvae/io/safetensors.h"
#include "tvae/run/run_directory.h"

namespace tvae {

/// Writes the model that `resolved` describes with these weights and the tokenizer at `tokenizer` (a directory or
/// .model file) into a folder, with what training from it begins with. The vocabulary has the rows of shared.weight.
/// Throws ConfigError for a model that cannot be, or a folder that holds `source`, the file of the weights;
/// CheckpointError, naming `source`, for weights that are not this model's or not finite, or a tokenizer with more ids.
void assemble_model(const ResolvedConfig& resolved, TensorMap weights, const std::string& tokenizer,
                    const std::string& source, RunDirectory& out);

}  // namespace tvae
