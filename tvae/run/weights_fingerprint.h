// What was fitted to the codes of a model belongs to its weights: a fingerprint in the file tells whether they changed.
#pragma once

#include <string>

#include "tvae/run/model_directory.h"

namespace tvae {

/// Of the model's weights as they are on disk.
std::string weights_fingerprint(const Model& model);

/// Warns, and returns true, when `path` was fitted to weights with another fingerprint.
bool warn_of_other_weights(const Model& model, const std::string& path, const std::string& fingerprint);

}  // namespace tvae
