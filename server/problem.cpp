#include "server/problem.h"

#include <map>
#include <nlohmann/json.hpp>

namespace tvae::server {
namespace {

using Json = nlohmann::ordered_json;

std::string title_of(int status) {
  static const std::map<int, std::string> titles = {{400, "Bad Request"},
                                                    {401, "Unauthorized"},
                                                    {403, "Forbidden"},
                                                    {404, "Not Found"},
                                                    {405, "Method Not Allowed"},
                                                    {409, "Conflict"},
                                                    {413, "Content Too Large"},
                                                    {415, "Unsupported Media Type"},
                                                    {422, "Unprocessable Content"},
                                                    {431, "Request Header Fields Too Large"},
                                                    {500, "Internal Server Error"},
                                                    {503, "Service Unavailable"}};
  const auto found = titles.find(status);
  return found == titles.end() ? "Error" : found->second;
}

}  // namespace

HttpResponse problem(int status, const std::string& detail, const std::string& pointer) {
  Json document = {{"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  if (!pointer.empty()) document["pointer"] = pointer;
  return {.status = status,
          .content_type = "application/problem+json",
          .body = document.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

HttpResponse problem(const Error& error) {
  switch (error.remedy()) {
    case Remedy::kFitPrior:
      return problem(409, "the model has no fitted prior (fit one with tvae prior fit, or ask for the normal one)");
    case Remedy::kFitDirection:
      return problem(404, error.what());
    default:
      break;
  }
  if (dynamic_cast<const ConfigError*>(&error) != nullptr)
    return problem(std::string(error.what()).starts_with("unknown direction") ? 404 : 422, error.what());
  return problem(422, error.what());
}

}  // namespace tvae::server
