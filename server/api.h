// Requests in, answers out: the page's files, and the operations of openapi.json.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/access.h"
#include "server/explorer.h"
#include "server/http.h"

namespace tvae::server {

struct Asset {
  std::string content_type, content, etag;
};
/// By path: "/app.js". "/" is the page.
using Assets = std::map<std::string, Asset>;
/// Those that the program carries with it (web/dist).
Assets built_in_assets();
/// Their names and contents: "/index.html".
const std::vector<std::pair<std::string, std::string>>& page_files();
/// The files of a folder. Throws DataError.
Assets read_assets(const std::string& folder);

/// The contract, as the program carries it with it.
const std::string& openapi_document();

class Api {
 public:
  /// All must outlive it.
  Api(Explorer& explorer, const Access& access, const Assets& assets, std::function<size_t()> waiting);
  ~Api();
  /// From any thread.
  HttpResponse answer(const HttpRequest& request, Progress& progress) const;
  /// What is answered by the server itself (HttpServer::Refusal).
  static HttpResponse refusal(int status, const std::string& detail);

 private:
  struct Route;
  HttpResponse route(const HttpRequest& request, Progress& progress) const;
  HttpResponse operate(const Route& route, const HttpRequest& request, const nlohmann::ordered_json& parameters,
                       Progress& progress) const;
  HttpResponse asset(const HttpRequest& request) const;
  Explorer& explorer_;
  const Access& access_;
  const Assets& assets_;
  std::function<size_t()> waiting_;
  nlohmann::ordered_json document_;
  std::vector<Route> routes_;
};

}  // namespace tvae::server
