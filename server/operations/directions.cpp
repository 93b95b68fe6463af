// Named directions.
#include "tvae/latent/directions.h"

#include <algorithm>

#include "server/operation.h"
#include "server/problem.h"

namespace tvae::server {
namespace {

using torch::Tensor;

Json direction_json(const std::string& name, const Json& facts) {
  return {{"name", name},
          {"method", facts["method"]},
          {"positive", facts["positive"]},
          {"negative", facts["negative"]},
          {"held_out_accuracy", facts["held_out_accuracy"]},
          {"held_out_majority", facts["held_out_majority"]}};
}

HttpResponse directions(const Call& call) {
  Json all = Json::array();
  for (const auto& facts : list_directions(call.model().space.model().directory))
    all.push_back(direction_json(facts["name"], facts));
  return json_response({{"directions", all}});
}

/// Points of the map as they were given.
std::vector<int64_t> points_of(const Call& call, const CorpusMap& map, const std::string& member) {
  auto points = call.given.value(member, std::vector<int64_t>());
  for (const int64_t point : points)
    if (point >= map.points())
      throw Refused(422, member + ": got " + std::to_string(point) + ", expected below " + std::to_string(map.points()),
                    "/" + member);
  return points;
}

HttpResponse fit(const Call& call) {
  const ExploredModel& model = call.model();
  const std::string name = call.given["name"], method = call.given["method"];
  const uint64_t seed = call.given["seed"];
  DirectionFit fitted;
  const bool of_points = call.given.contains("positive_points") || call.given.contains("negative_points");
  if (call.given.contains("label") || of_points) {
    const auto map = model.map();
    std::vector<int64_t> positive, negative;
    if (call.given.contains("label")) {
      const std::string label = call.given["label"];
      const auto found = std::ranges::find(map->labels(), label);
      if (found == map->labels().end()) throw Refused(422, "label: the corpus has no \"" + label + "\"", "/label");
      const auto place = static_cast<int32_t>(found - map->labels().begin());
      for (int64_t point = 0; point < map->points(); ++point)
        (map->label_of()[static_cast<size_t>(point)] == place ? positive : negative).push_back(point);
    } else {
      positive = points_of(call, *map, "positive_points");
      negative = points_of(call, *map, "negative_points");
    }
    const auto codes_of = [&](const std::vector<int64_t>& points, const std::string& texts) {
      Tensor codes = map->index().codes().index_select(0, torch::tensor(points, at::kLong));
      const auto further = call.given.value(texts, std::vector<std::string>());
      if (!further.empty()) codes = at::cat({codes, model.space.encode(further, call.progress).mean});
      return codes;
    };
    fitted = tvae::fit_direction(method, codes_of(positive, "positive"), codes_of(negative, "negative"), seed);
  } else {
    fitted = model.space.fit_direction(call.given.value("positive", std::vector<std::string>()),
                                       call.given.value("negative", std::vector<std::string>()), method, seed,
                                       call.progress);
  }
  model.space.save_direction(name, fitted);
  return json_response(direction_json(name, fitted.facts), 201);
}

HttpResponse remove(const Call& call) {
  const LatentSpace& space = call.model().space;
  require_direction(space, call.given["name"]);
  space.remove_direction(call.given["name"]);
  return {.status = 204, .content_type = ""};
}

const Register<Operation> listed(operations(), {"directions", "named directions", directions});
const Register<Operation> fits(operations(), {"fitDirection", "fits one", fit});
const Register<Operation> removes(operations(), {"deleteDirection", "removes one", remove});

}  // namespace
}  // namespace tvae::server
