#include "server/problem.h"

#include <map>
#include <nlohmann/json.hpp>

#include "tvae/base/strings.h"

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

std::string without_folders(const std::string& message) {
  std::vector<std::string> words = split(message, ' ');
  for (std::string& word : words)
    if (const size_t slash = word.find('/'); slash == 0 || word.find('/', slash + 1) != std::string::npos)
      word = word.substr(word.rfind('/') + 1);
  return join(words, " ");
}

HttpResponse problem(int status, const std::string& detail, const std::string& pointer) {
  Json document = {{"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  if (!pointer.empty()) document["pointer"] = pointer;
  return {.status = status,
          .content_type = "application/problem+json",
          .body = document.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

HttpResponse problem(const Error& error) {
  if (error.remedy() == Remedy::kFitPrior)
    return problem(409, "the model has no fitted prior (fit one with tvae prior fit, or ask for the normal one)");
  return problem(422, without_folders(error.what()));
}

}  // namespace tvae::server
