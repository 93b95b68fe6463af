// Restoring named tensors: the one strict comparison that optimizer and moving average share.
#pragma once

#include <string>

#include "tvae/io/safetensors.h"

namespace tvae {

/// Copies `saved` into the tensors of `state`. Throws CheckpointError, before anything is copied, unless both have the
/// same names, shapes and dtypes. `what` begins the message: "optimizer state".
void copy_saved_state(const TensorMap& saved, const TensorMap& state, const std::string& what, const std::string& hint);

}  // namespace tvae
