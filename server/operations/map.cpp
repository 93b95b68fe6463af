// The corpus on a map.
#include <charconv>
#include <cmath>

#include "server/operation.h"
#include "server/problem.h"
#include "tvae/base/utf8.h"

namespace tvae::server {
namespace {

using torch::Tensor;

/// Where codes lie on the map that `given` asks for.
class Layout {
 public:
  explicit Layout(const Call& call) : map_(call.model().map()), name_(call.given["projection"]) {
    if (name_ == "umap" && !map_->has(Projection::kUmap))
      throw Refused(422, "projection: got umap, expected pca or directions: the map has no UMAP", "/projection");
    if (name_ != "directions") return;
    for (const char* axis : {"x", "y"}) {
      if (!call.given.contains(axis))
        throw Refused(422, std::string(axis) + ": expected the name of a direction, for projection directions",
                      std::string("/") + axis);
      axes_.push_back(direction_from(call, call.given[axis]).logit);
    }
  }

  const CorpusMap& map() const { return *map_; }
  Tensor positions() const {
    return name_ == "directions" ? logits(map_->index().codes()) : map_->positions(projection());
  }
  Tensor project(const Tensor& codes) const {
    return name_ == "directions" ? logits(codes) : map_->project(projection(), codes);
  }
  Tensor invert(const Tensor& targets) const {
    return name_ == "directions" ? map_->mix_nearest(positions(), targets) : map_->invert(projection(), targets);
  }

 private:
  Projection projection() const { return name_ == "umap" ? Projection::kUmap : Projection::kPca; }
  Tensor logits(const Tensor& codes) const {
    return at::stack({axes_[0].value(codes), axes_[1].value(codes)}, 1).to(at::kFloat);
  }

  std::shared_ptr<const CorpusMap> map_;
  std::string name_;
  std::vector<LinearProperty> axes_;
};

/// Little-endian float32, as every machine that we build for keeps them.
HttpResponse numbers_response(const Tensor& numbers) {
  const Tensor plain = numbers.to(at::kFloat).contiguous();
  return {.content_type = "application/octet-stream",
          .body = std::string(static_cast<const char*>(plain.const_data_ptr()), plain.nbytes())};
}

HttpResponse points(const Call& call) {
  return numbers_response(Layout(call).positions());
}

Tensor compute_values(const Call& call, const CorpusMap& map) {
  const LatentSpace& space = call.model().space;
  const std::string of = call.given["of"];
  const std::vector<std::string>& texts = map.index().texts();
  std::vector<float> values;
  if (of == "label") {
    for (const int32_t label : map.label_of()) values.push_back(label < 0 ? NAN : static_cast<float>(label));
  } else if (of == "length") {
    for (const std::string& text : texts) values.push_back(static_cast<float>(utf8_characters(text).size()));
  } else if (of == "valid") {
    const auto valid = space.judge(texts);
    for (size_t i = 0; i < texts.size(); ++i) values.push_back(valid ? static_cast<float>((*valid)[i]) : NAN);
  } else {
    return space.log_density(map.index().codes());
  }
  return torch::tensor(values);
}

HttpResponse values(const Call& call) {
  const ExploredModel& model = call.model();
  const std::string of = call.given["of"];
  if (of == "direction") {
    if (!call.given.contains("direction"))
      throw Refused(422, "direction: expected the name of one, for values of direction", "/direction");
    const LinearProperty logit = direction_from(call, call.given["direction"]).logit;
    return numbers_response(logit.value(model.map()->index().codes()));
  }
  return numbers_response(model.values(of, [&](const CorpusMap& map) { return compute_values(call, map); }));
}

HttpResponse texts(const Call& call) {
  const Layout layout(call);
  const Tensor positions = layout.positions();
  const std::string list = call.given["points"];
  Json all = Json::array();
  for (const char *next = list.data(), *end = next + list.size(); next < end; ++next) {
    int64_t point = 0;
    const char* const first = next;
    const auto [read, error] = std::from_chars(next, end, point);
    next = read;
    if (error != std::errc() || point >= layout.map().points())
      throw Refused(
          422, "points: got " + std::string(first, read) + ", expected below " + std::to_string(layout.map().points()),
          "/points");
    Json json = point_json(layout.map(), static_cast<size_t>(point));
    json["x"] = positions[point][0].item<double>();
    json["y"] = positions[point][1].item<double>();
    all.push_back(std::move(json));
  }
  return json_response({{"points", all}});
}

HttpResponse project(const Call& call) {
  const Layout layout(call);
  const Tensor found = layout.project(places_from(call, call.given["places"]));
  Json positions = Json::array();
  for (int64_t i = 0; i < found.size(0); ++i)
    positions.push_back({found[i][0].item<double>(), found[i][1].item<double>()});
  return json_response({{"positions", positions}});
}

HttpResponse invert(const Call& call) {
  const Layout layout(call);
  std::vector<float> numbers;
  for (const Json& position : call.given["positions"])
    for (const Json& number : position) numbers.push_back(number.get<float>());
  const Tensor targets = torch::tensor(numbers).view({-1, 2});
  if (!targets.isfinite().all().item<bool>())
    throw Refused(422, "positions: got a number beyond the range of fp32", "/positions");
  return decoded_response(call, layout.invert(targets));
}

HttpResponse neighbors(const Call& call) {
  const auto map = call.model().map();
  const auto found = map->index().query(places_from(call, call.given["places"]), call.given["count"]);
  Json all = Json::array();
  for (const auto& of_place : found) {
    Json list = Json::array();
    for (const auto& [point, distance] : of_place) list.push_back(neighbor_json(*map, point, distance));
    all.push_back(std::move(list));
  }
  return json_response({{"neighbors", all}});
}

const Register<Operation> placed(operations(), {"mapPoints", "positions", points});
const Register<Operation> valued(operations(), {"mapValues", "colours", values});
const Register<Operation> read(operations(), {"mapTexts", "texts of points", texts});
const Register<Operation> projected(operations(), {"projectPlaces", "places on the map", project});
const Register<Operation> inverted(operations(), {"invertMap", "the map's places", invert});
const Register<Operation> found(operations(), {"neighbors", "nearest texts", neighbors});

}  // namespace
}  // namespace tvae::server
