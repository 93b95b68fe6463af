// Outputs whose brackets and strings close, token by token (validity/bracket_syntax.h).
#pragma once

#include "tvae/model/generate.h"
#include "tvae/run/model_directory.h"

namespace tvae {

/// Makes the constraint of one output after another. The text of every id is looked up here, once. `model` must outlive
/// it. Throws ConfigError where the model's data has no brackets that are known.
OutputConstraintFactory bracket_constraint(const Model& model);

}  // namespace tvae
