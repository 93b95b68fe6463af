// A model's evaluation as others may see it.
#pragma once

#include <nlohmann/json.hpp>

namespace tvae::server {

/// A report (tvae/eval/evaluate.h) whose model and data are named without the folders in which they lie.
nlohmann::ordered_json without_folders(nlohmann::ordered_json report);

}  // namespace tvae::server
