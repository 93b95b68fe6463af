// Named directions: what to add to a code so that its text becomes more like some texts and less like others.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tvae/base/registry.h"
#include "tvae/latent/linear_property.h"
#include "tvae/run/model_directory.h"

namespace tvae {

struct Direction {
  torch::Tensor step;    // [K, D] fp32: what strength 1 adds to a code
  LinearProperty logit;  // of a text being a positive one
};

/// positive [P, K, D], negative [N, K, D] → a direction. Throws as fit_direction.
using DirectionMethod = std::function<Direction(const torch::Tensor& positive, const torch::Tensor& negative)>;
/// By name. Whatever the method, a step moves its logit as far as the means of both kinds of texts lie apart.
/// - mean: the step is the difference of the means; the logit that of linear discriminant analysis along it.
/// - logistic: logistic regression on standardised codes (liblinear, C 1); the step follows its weights, in units of
///   the deviation of each number of a code.
Registry<DirectionMethod>& direction_methods();

struct DirectionFit {
  Direction direction;           // fitted to all texts
  nlohmann::ordered_json facts;  // method, texts, and the accuracy of a fit to four fifths of each kind on the others
};
/// Throws DataError: fewer than five texts of a kind, kinds with the same mean; and as measure_codes.
DirectionFit fit_direction(const std::string& method, const torch::Tensor& positive, const torch::Tensor& negative,
                           uint64_t seed);

/// Throws ConfigError unless the name is letters, digits, "_", "-" and ".", and begins with neither of the last two.
void check_direction_name(const std::string& name);

/// Before minutes of work. Throws as check_direction_name, CheckpointError where the model's folder is gone, DataError
/// where it cannot be written.
void require_direction_place(const Model& model, const std::string& name);
/// Writes MODEL/latent/directions/NAME.safetensors, atomically: tensors, and in its metadata the facts. A line
/// (base/log.h) says that it replaces another.
void save_direction(const Model& model, const std::string& name, const DirectionFit& fit);
/// Throws ConfigError with the known names; CheckpointError when the file is damaged or made for other shapes. Warns
/// when the weights changed since.
DirectionFit load_direction(const Model& model, const std::string& name);
/// Throws ConfigError with the known names, DataError where the file cannot be removed.
void remove_direction(const Model& model, const std::string& name);
/// Those of a model directory, in alphabetical order.
std::vector<std::string> direction_names(const std::string& model_directory);
/// The facts of each, its "name" first; a damaged one is warned of and left out. Throws CheckpointError where there is
/// no such model.
std::vector<nlohmann::ordered_json> list_directions(const std::string& model_directory);
/// The facts of one. Throws CheckpointError when the file is damaged.
nlohmann::ordered_json direction_facts(const std::string& model_directory, const std::string& name);

}  // namespace tvae
