// A model with rounded weights: a half or a quarter of the size, for sending and keeping.
#pragma once

#include <cstdint>
#include <string>

#include "tvae/run/run_directory.h"

namespace tvae {

struct QuantizedModel {
  uint64_t bytes_before = 0, bytes = 0;  // of the files of weights
};

/// Rounds the weights of a model to "int8" (matrices, with a scale a row) or "fp16" and writes the model into `out`,
/// with its run.json and card, which say so; a prior has to be fitted again. Warns where that makes nothing smaller,
/// because the weights are rounded already. Throws ConfigError for another kind,
/// CheckpointError for weights beyond fp16, DataError.
QuantizedModel quantize_model(const std::string& model, const std::string& kind, RunDirectory& out);

}  // namespace tvae
