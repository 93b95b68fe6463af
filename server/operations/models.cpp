// What is loaded.
#include "server/operation.h"
#include "server/problem.h"
#include "server/report.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/eval/verdict.h"
#include "tvae/model/bottleneck.h"
#include "tvae/run/model_card.h"

namespace tvae::server {
namespace {

/// report.json of a model's folder; null where there is none, or it is damaged.
Json report_of(const ExploredModel& model) {
  const std::string path = model.space.model().directory + "/eval/report.json";
  if (!file_exists(path)) return nullptr;
  return parse_json(read_file(path));
}

/// How texts of a check are shown.
std::string shown_as(const std::string& check) {
  if (check == "python" || check == "smiles" || check == "abc") return check;
  return check == "mnist" ? "image" : "text";
}

Json describe(const ExploredModel& model) {
  const LatentSpace& space = model.space;
  const Json report = report_of(model);
  return {{"model", model.number},
          {"name", model.name},
          {"latent_tokens", space.latent_tokens()},
          {"latent_size", space.latent_size()},
          {"max_tokens", space.model().max_tokens},
          {"parameters", space.model().vae.parameters().count()},
          {"check", space.model().check},
          {"show", shown_as(space.model().check)},
          {"gaussian", bottleneck_traits(space.model().vae.config()).has_variance},
          {"prior", space.fitted_prior() ? "fitted" : "normal"},
          {"verdict", report.is_object() ? verdict(report) : std::vector<std::string>()},
          {"examples", model.examples()},
          {"card", read_model_card(space.model().directory)},
          {"corpus", model.describe_corpus()}};
}

HttpResponse models(const Call& call) {
  Json all = Json::array();
  for (const auto& model : call.explorer.models()) all.push_back(describe(*model));
  return json_response({{"models", all}});
}

HttpResponse report(const Call& call) {
  const Json report = report_of(call.model());
  if (!report.is_object()) throw Refused(404, "the model has not been measured: start a job, or tvae eval");
  return json_response(without_folders(report));
}

HttpResponse dimensions(const Call& call) {
  Json all = Json::array();
  for (const Dimension& dimension : call.model().dimensions())
    all.push_back({{"token", dimension.token},
                   {"index", dimension.index},
                   {"mean", dimension.mean},
                   {"deviation", dimension.deviation},
                   {"rate", dimension.rate ? Json(*dimension.rate) : Json(nullptr)}});
  return json_response({{"dimensions", all}});
}

HttpResponse openapi(const Call& call) {
  return {.body = call.document};
}

const Register<Operation> listed(operations(), {"models", "what is loaded", models});
const Register<Operation> reported(operations(), {"report", "the last evaluation", report});
const Register<Operation> numbered(operations(), {"dimensions", "numbers of a code", dimensions});
const Register<Operation> documented(operations(), {"openapi", "the contract", openapi});

}  // namespace
}  // namespace tvae::server
