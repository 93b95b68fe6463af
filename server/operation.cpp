#include "server/operation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "server/problem.h"
#include "tvae/base/strings.h"

namespace tvae::server {

using torch::Tensor;

Registry<Operation>& operations() {
  static Registry<Operation> all("operation");
  return all;
}

const ExploredModel& Call::model() const {
  const auto number = given.value("model", int64_t{0});
  const auto& models = explorer.models();
  if (number >= static_cast<int64_t>(models.size()))
    throw Refused(422, "model: got " + std::to_string(number) + ", expected 0: one model is loaded", "/model");
  return *models[static_cast<size_t>(number)];
}

HttpResponse json_response(const Json& json, int status) {
  return {.status = status, .body = json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Json finite_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json point_json(const CorpusMap& map, size_t point) {
  const int32_t label = map.label_of()[point];
  return {{"point", point},
          {"row", map.index().rows()[point]},
          {"text", map.index().texts()[point]},
          {"label", label < 0 ? Json(nullptr) : Json(map.labels()[static_cast<size_t>(label)])}};
}

Json neighbor_json(const CorpusMap& map, size_t point, double distance) {
  Json json = point_json(map, point);
  json["distance"] = distance;
  return json;
}

Tensor codes_from(const Call& call, const Json& codes, const std::string& pointer) {
  const LatentSpace& space = call.model().space;
  const auto k = static_cast<size_t>(space.latent_tokens()), d = static_cast<size_t>(space.latent_size());
  std::vector<float> numbers;
  numbers.reserve(codes.size() * k * d);
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto refuse = [&](const std::string& got) {
      const std::string at = pointer + "/" + std::to_string(i);
      throw Refused(422,
                    at.substr(1) + ": got " + got + ", expected " + std::to_string(k) + " lists of " +
                        std::to_string(d) + " numbers, as this model's codes are",
                    at);
    };
    if (codes[i].size() != k) refuse(counted(codes[i].size(), "list"));
    for (const Json& token : codes[i]) {
      if (token.size() != d) refuse("a list of " + counted(token.size(), "number"));
      for (const Json& number : token) {
        numbers.push_back(number.get<float>());
        if (!std::isfinite(numbers.back())) refuse("a number beyond the range of fp32");
      }
    }
  }
  return torch::tensor(numbers, at::kFloat)
      .view({static_cast<int64_t>(codes.size()), space.latent_tokens(), space.latent_size()});
}

Json codes_to_json(const Tensor& codes) {
  const Tensor contiguous = codes.to(at::kCPU, at::kFloat).contiguous();
  const auto numbers = contiguous.accessor<float, 3>();
  Json all = Json::array();
  for (int64_t i = 0; i < codes.size(0); ++i) {
    Json code = Json::array();
    for (int64_t token = 0; token < codes.size(1); ++token) {
      Json row = Json::array();
      for (int64_t index = 0; index < codes.size(2); ++index) row.push_back(numbers[i][token][index]);
      code.push_back(std::move(row));
    }
    all.push_back(std::move(code));
  }
  return all;
}

Tensor places_from(const Call& call, const Json& places, const std::string& pointer) {
  std::vector<std::string> texts;
  for (const Json& place : places)
    if (place.contains("text")) texts.push_back(place["text"].get<std::string>());
  const Tensor encoded = texts.empty() ? Tensor() : call.model().space.encode(texts, call.progress).mean;
  std::vector<Tensor> codes;
  int64_t next_text = 0;
  for (size_t i = 0; i < places.size(); ++i)
    codes.push_back(places[i].contains("text")
                        ? encoded[next_text++]
                        : codes_from(call, Json::array({places[i]["code"]}), pointer + "/" + std::to_string(i))[0]);
  return at::stack(codes);
}

Tensor place_from(const Call& call, const std::string& member) {
  return places_from(call, Json::array({call.given.at(member)}), "/" + member)[0];
}

Direction direction_from(const Call& call, const std::string& name) {
  const LatentSpace& space = call.model().space;
  require_direction(space, name);
  return space.direction(name).direction;
}

void require_direction(const LatentSpace& space, const std::string& name) {
  const std::vector<std::string> known = space.directions();
  if (std::ranges::find(known, name) == known.end()) throw Refused(404, "the model has no direction \"" + name + "\"");
}

DecodeOptions decode_options_from(const Call& call) {
  DecodeOptions options;
  options.judge = true;
  options.seed = call.given.value("seed", uint64_t{42});
  if (!call.given.contains("decode")) return options;
  const Json& decode = call.given["decode"];
  options.constrain = decode.at("constrain");
  options.candidates = decode.at("candidates");
  options.search_radius = decode.at("search_radius");
  options.sample = decode.at("sample");
  options.temperature = decode.at("temperature");
  options.top_k = decode.at("top_k");
  options.top_p = decode.at("top_p");
  return options;
}

Json outputs_json(const Call& call, const std::vector<Decoded>& outputs, const Tensor& codes,
                  const std::vector<Json>& members, bool noisy) {
  Json all = Json::array();
  if (outputs.empty()) return all;
  const LatentSpace& space = call.model().space;
  std::vector<std::string> texts;
  for (const Decoded& output : outputs) texts.push_back(output.text);
  const Likelihood likelihood = space.likelihood(noisy ? space.encode(texts, call.progress).mean : codes);
  const auto densities = likelihood.log_density.accessor<double, 1>();
  const auto unlikeliness = likelihood.unlikeliness.accessor<double, 1>();
  const auto wanted = call.given.find("codes");  // which are the codes themselves where these are decoded
  const bool with_codes = wanted != call.given.end() && *wanted == true;
  const Json code_lists = with_codes ? codes_to_json(codes) : Json();
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Decoded& output = outputs[i];
    Json json = members.empty() ? Json::object() : members[i];
    json["text"] = output.text;
    json["valid"] = output.valid ? Json(*output.valid) : Json(nullptr);
    json["searched"] = output.searched;
    double logarithms = 0.0;
    for (const float probability : output.probability) logarithms += std::log(std::max(probability, 1e-30F));
    json["confidence"] = output.probability.empty()
                             ? Json(nullptr)
                             : Json(std::exp(logarithms / static_cast<double>(output.probability.size())));
    const auto row = static_cast<int64_t>(i);
    json["log_density"] = finite_or_null(densities[row]);
    json["unlikeliness"] = std::isfinite(unlikeliness[row]) ? unlikeliness[row] : 1e9;
    if (with_codes) json["code"] = code_lists[i];
    all.push_back(std::move(json));
  }
  return all;
}

HttpResponse decoded_response(const Call& call, const Tensor& codes, const std::vector<Json>& members, bool noisy) {
  const std::vector<Decoded> outputs = call.model().space.decode(codes, decode_options_from(call), call.progress);
  return json_response({{"outputs", outputs_json(call, outputs, codes, members, noisy)}});
}

}  // namespace tvae::server
