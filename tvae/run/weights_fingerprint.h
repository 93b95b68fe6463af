// What was fitted to the codes of a model belongs to its weights: a fingerprint in the file tells whether they changed.
#pragma once

#include <string>

#include "tvae/run/model_directory.h"

namespace tvae {

/// Of the model's weights as they are on disk.
std::string weights_fingerprint(const Model& model);

/// Of what makes codes: the weights, and whether their products are of integers (ops/weight.h), which differs between
/// processors and moves the codes of an int8 model in their third digit.
std::string codes_fingerprint(const Model& model);

/// Warns, and returns true, when `path` was fitted to weights with another fingerprint.
bool warn_of_other_weights(const Model& model, const std::string& path, const std::string& fingerprint);

}  // namespace tvae
