// The folder of a model that is being trained.
#pragma once

#include <string>

#include "tvae/io/safetensors.h"
#include "tvae/train/setup.h"
#include "tvae/train/training_state.h"

namespace tvae {

/// Writes the model as it is now: its configuration, these weights, its tokenizer, run.json and the card. Throws
/// DataError.
void write_model_files(const std::string& folder, const TrainingSetup& setup, const TensorMap& weights,
                       const TrainingState& state);

/// kHeldOutFile.
void write_held_out_rows(const std::string& folder, const Rows& rows);

}  // namespace tvae
