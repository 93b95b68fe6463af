// An operation of the API: what an operationId of openapi.json does. Each group of them is a file of operations/, which
// registers them.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/explorer.h"
#include "server/http.h"
#include "tvae/base/registry.h"

namespace tvae::server {

using Json = nlohmann::ordered_json;

struct Call {
  Explorer& explorer;
  /// The members of the body and the parameters of the address, checked against the document and with their defaults.
  const Json& given;
  Progress& progress;
  const std::string& document;  // openapi.json

  /// The one that `given` names. Throws Refused where it is not loaded.
  const ExploredModel& model() const;
};

using Operation = std::function<HttpResponse(const Call& call)>;
Registry<Operation>& operations();

HttpResponse json_response(const Json& json, int status = 200);

/// Codes [N, K, D] of an array of schema Code. Throws Refused where they are not of the model's shape.
torch::Tensor codes_from(const Call& call, const Json& codes, const std::string& pointer);
/// An array of schema Code.
Json codes_to_json(const torch::Tensor& codes);
/// Codes [N, K, D] of an array of schema Place.
torch::Tensor places_from(const Call& call, const Json& places, const std::string& pointer = "/places");
/// One member of `given` that is a place: [K, D].
torch::Tensor place_from(const Call& call, const std::string& member);

/// A direction of the model, and that there is one. Throw Refused (404) where it has none of that name.
void require_direction(const LatentSpace& space, const std::string& name);
Direction direction_from(const Call& call, const std::string& name);

/// How `given` wants codes decoded; outputs are judged.
DecodeOptions decode_options_from(const Call& call);
/// Schema Output of texts that were decoded, each with more members before it; codes come where `given` wants them.
/// The prior is one of codes without noise, and would call each noisy one unlikely: so of these the text's own is
/// judged.
Json outputs_json(const Call& call, const std::vector<Decoded>& outputs, const torch::Tensor& codes,
                  const std::vector<Json>& members = {}, bool noisy = false);
/// Decodes the codes, and answers with them.
HttpResponse decoded_response(const Call& call, const torch::Tensor& codes, const std::vector<Json>& members = {},
                              bool noisy = false);

/// Schema Neighbor and its like: a point of a map.
Json point_json(const CorpusMap& map, size_t point);
Json neighbor_json(const CorpusMap& map, size_t point, double distance);

/// A figure that may not be finite, which JSON has no word for.
Json finite_or_null(double value);

}  // namespace tvae::server
