// From known places to new ones.
#include "server/operation.h"
#include "server/problem.h"
#include "tvae/latent/moves.h"

namespace tvae::server {
namespace {

using torch::Tensor;

HttpResponse interpolate(const Call& call) {
  const Tensor places = places_from(call, call.given["places"]);
  const int64_t legs = places.size(0) - 1, steps = call.given["steps"];
  std::vector<double> ratios;
  if (call.given.contains("ratios")) {
    ratios = call.given["ratios"].get<std::vector<double>>();
  } else {
    for (int64_t i = 0; i <= legs * (steps - 1); ++i)
      ratios.push_back(static_cast<double>(i) / static_cast<double>(steps - 1));
  }
  std::vector<Json> members;
  for (const double ratio : ratios) members.push_back({{"ratio", ratio}});
  return decoded_response(call, path_codes(places, call.given["path"], ratios), members);
}

HttpResponse sample(const Call& call) {
  const ExploredModel& model = call.model();
  SampleOptions options;
  options.count = call.given["count"];
  options.prior = call.given.value("prior", "");
  options.prior_scale = call.given["prior_scale"];
  options.radius = call.given["radius"];
  options.decode = decode_options_from(call);
  if (call.given.contains("near")) {
    if (call.given["near"].contains("text"))
      options.near = call.given["near"]["text"].get<std::string>();
    else
      options.near_code = place_from(call, "near");
  }
  const Tensor codes = model.space.draw(options, call.progress);
  const std::vector<Decoded> outputs = model.space.decode(codes, options.decode, call.progress);
  std::vector<Json> members(outputs.size(), Json{{"novel", nullptr}, {"nearest", nullptr}});
  if (const auto map = model.map_if_ready(); map && call.given["novelty"]) {
    std::vector<std::string> texts;
    for (const Decoded& output : outputs) texts.push_back(output.text);
    const auto nearest = map->index().query(model.space.encode(texts, call.progress).mean, 1);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const auto [point, distance] = nearest[i].front();
      // A text of the corpus is its own nearest one.
      members[i] = {{"novel", map->index().texts()[point] != outputs[i].text},
                    {"nearest", neighbor_json(*map, point, distance)}};
    }
  }
  const bool noisy = call.given.contains("near") && options.radius > 0;
  return json_response({{"outputs", outputs_json(call, outputs, codes, members, noisy)}});
}

HttpResponse analogy(const Call& call) {
  const Tensor codes = places_from(call, {call.given["a"], call.given["b"], call.given["c"]}, "");
  const auto strengths = call.given["strengths"].get<std::vector<double>>();
  std::vector<Json> members;
  for (const double strength : strengths) members.push_back({{"strength", strength}});
  return decoded_response(call, moved_codes(codes[2], codes[1] - codes[0], strengths), members);
}

HttpResponse mix(const Call& call) {
  const Tensor parents = places_from(call, call.given["places"]);
  const Tensor mixed =
      call.given.contains("token_weights")
          ? token_mixed_code(parents, call.given["token_weights"].get<std::vector<std::vector<double>>>())
          : mixed_code(parents, call.given.value("weights", std::vector<double>()));
  const int64_t count = call.given["count"];
  const double spread = call.given["spread"];
  Tensor codes = mixed.unsqueeze(0);
  if (count > 1) {
    SampleOptions around;
    around.count = count - 1;
    around.near_code = mixed;
    around.radius = spread;
    around.decode.seed = call.given["seed"];
    codes = at::cat({codes, call.model().space.draw(around, call.progress)});
  }
  std::vector<Json> members(static_cast<size_t>(count), Json{{"spread", spread}});
  members.front()["spread"] = 0.0;
  return decoded_response(call, codes, members, /*noisy=*/count > 1 && spread > 0);
}

HttpResponse steer(const Call& call) {
  const LatentSpace& space = call.model().space;
  const Tensor start = place_from(call, "place");
  Tensor code = start.clone();
  for (const Json& move : call.given.value("moves", Json::array()))
    code += move["strength"].get<float>() * direction_from(call, move["direction"]).step;
  for (const Json& dimension : call.given.value("dimensions", Json::array())) {
    const int64_t token = dimension["token"], index = dimension["index"];
    if (token >= code.size(0) || index >= code.size(1))
      throw Refused(422,
                    "dimensions: got token " + std::to_string(token) + " and index " + std::to_string(index) +
                        ", expected below " + std::to_string(code.size(0)) + " and " + std::to_string(code.size(1)),
                    "/dimensions");
    code[token][index] += dimension["add"].get<float>();
  }
  const Tensor codes = code.unsqueeze(0);
  const std::vector<Decoded> outputs = space.decode(codes, decode_options_from(call), call.progress);
  Json members = {{"values", Json::object()}, {"start_values", Json::object()}};
  for (const std::string& name : space.directions()) {
    const Tensor values = space.direction(name).direction.logit.value(at::stack({code, start}));
    members["values"][name] = values[0].item<double>();
    members["start_values"][name] = values[1].item<double>();
  }
  return json_response(outputs_json(call, outputs, codes, {members}).front());
}

HttpResponse optimize(const Call& call) {
  const LatentSpace& space = call.model().space;
  if (call.given.contains("direction") == call.given.contains("property"))
    throw Refused(422, "direction and property: got " +
                           std::string(call.given.contains("direction") ? "both" : "neither") +
                           ", expected one of them");
  LinearProperty property;
  Json score = nullptr;
  const DecodeOptions decode = decode_options_from(call);
  if (call.given.contains("direction")) {
    property = direction_from(call, call.given["direction"]).logit;
  } else {
    const Json& table = call.given["property"];
    const PropertyFit fit = space.fit_property(table["texts"].get<std::vector<std::string>>(),
                                               table["values"].get<std::vector<double>>(), decode.seed, call.progress);
    property = fit.property;
    const auto figure = [](const std::optional<double>& value) {
      return value ? finite_or_null(*value) : Json(nullptr);
    };
    score = {
        {"r2", figure(fit.score.r2)}, {"spearman", figure(fit.score.spearman)}, {"held_out", fit.score.held_out_rows}};
  }
  OptimizeOptions climb;
  climb.steps = call.given["steps"];
  climb.step_size = call.given["step_size"];
  climb.prior_weight = call.given["prior_weight"];
  climb.text_weight = call.given["text_weight"];
  climb.downhill = call.given["downhill"];
  const OptimizedTexts way = space.optimize(place_from(call, "place"), property, climb, decode, call.progress);
  std::vector<Decoded> outputs;
  std::vector<Tensor> codes;
  std::vector<Json> members;
  for (const OptimizedText& point : way.texts) {
    outputs.push_back(point.output);
    codes.push_back(point.code);
    members.push_back({{"step", point.step}, {"objective", point.objective}, {"value", point.value}});
  }
  return json_response({{"outputs", outputs_json(call, outputs, at::stack(codes), members)},
                        {"first_value", way.first_value},
                        {"last_value", way.last_value},
                        {"steps", way.steps},
                        {"score", score}});
}

const Register<Operation> interpolated(operations(), {"interpolate", "a path", interpolate});
const Register<Operation> sampled(operations(), {"sample", "new texts", sample});
const Register<Operation> compared(operations(), {"analogy", "a is to b as c is to what", analogy});
const Register<Operation> mixed(operations(), {"mix", "children of parents", mix});
const Register<Operation> steered(operations(), {"steer", "along directions", steer});
const Register<Operation> climbed(operations(), {"optimize", "uphill", optimize});

}  // namespace
}  // namespace tvae::server
