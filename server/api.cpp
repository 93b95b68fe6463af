#include "server/api.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <set>

#include "server/operation.h"
#include "server/problem.h"
#include "server/schema.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/ops/one_thread.h"
#include "tvae/ops/out_of_memory.h"

namespace tvae::server {
namespace {

std::string content_type_of(const std::string& path) {
  static const std::map<std::string, std::string> types = {{".html", "text/html; charset=utf-8"},
                                                           {".js", "text/javascript; charset=utf-8"},
                                                           {".css", "text/css; charset=utf-8"},
                                                           {".svg", "image/svg+xml"},
                                                           {".png", "image/png"},
                                                           {".woff2", "font/woff2"},
                                                           {".txt", "text/plain; charset=utf-8"},
                                                           {".json", "application/json"}};
  const auto found = types.find(std::filesystem::path(path).extension().string());
  return found == types.end() ? "application/octet-stream" : found->second;
}

/// Throws Refused.
Json parsed_body(const std::string& body) {
  Json parsed = parse_json(body);
  if (parsed.is_discarded()) throw Refused(400, "the body is no JSON in UTF-8");
  return parsed;
}

/// A parameter of the address, as its schema wants it.
Json parameter_value(const Json& schema, const std::string& text) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  if (schema.value("type", Json()) == "integer") {
    const auto [read, error] = std::from_chars(text.data(), end, number);
    if (read == end && error == std::errc())
      return number;  // what is too large for a number stays a text, and is refused
  }
  return text;
}

}  // namespace

namespace {

void add(Assets& assets, const std::string& path, std::string content) {
  const std::string etag = "\"" + hex(hash_bytes(content)) + "\"";
  assets[path == "/index.html" ? "/" : path] = {content_type_of(path), std::move(content), etag};
}

}  // namespace

Assets built_in_assets() {
  Assets assets;
  for (const auto& [path, content] : page_files()) add(assets, path, content);
  return assets;
}

Assets read_assets(const std::string& folder) {
  Assets assets;
  if (!directory_exists(folder)) throw DataError("no folder " + folder, "", "the files of the page");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = "/" + std::filesystem::relative(entry.path(), folder).generic_string();
    add(assets, path, read_file(entry.path().string()));
  }
  return assets;
}

struct Api::Route {
  std::string method;                 // upper case
  std::vector<std::string> segments;  // "{id}" for a parameter
  Json description;                   // of the operation
  Operation operation;
};

Api::Api(Explorer& explorer, const Access& access, const Assets& assets, std::function<size_t()> waiting)
    : explorer_(explorer),
      access_(access),
      assets_(assets),
      waiting_(std::move(waiting)),
      document_(Json::parse(openapi_document())) {
  for (const auto& [path, methods] : document_["paths"].items())
    for (const auto& [method, description] : methods.items()) {
      const std::string id = description["operationId"];
      const Operation operation = id == "health" ? [this](const Call&) {
        return json_response({{"status", "ok"}, {"version", TVAE_VERSION}, {"waiting", waiting_()}});
      } : operations().find(id);
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
      routes_.push_back({upper, split(path, '/'), description, operation});
    }
}

Api::~Api() = default;

HttpResponse Api::refusal(int status, const std::string& detail) {
  return problem(status, detail);
}

HttpResponse Api::asset(const HttpRequest& request) const {
  const auto found = assets_.find(request.path);
  if (found == assets_.end()) return problem(404, "there is no such page");
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse refused = problem(405, "pages are only read");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  const Asset& asset = found->second;
  const std::vector<std::pair<std::string, std::string>> headers = {{"ETag", asset.etag},
                                                                    {"Cache-Control", "no-cache"}};
  if (request.header("if-none-match") == asset.etag) return {.status = 304, .content_type = "", .headers = headers};
  return {.content_type = asset.content_type, .body = asset.content, .headers = headers};
}

HttpResponse Api::operate(const Route& route, const HttpRequest& request, const Json& parameters,
                          Progress& progress) const {
  Json given = Json::object();
  if (route.description.contains("requestBody")) {
    const std::string type = request.header("content-type");
    if (lower_case(type.substr(0, type.find(';'))) != "application/json")
      throw Refused(415, "Content-Type: got \"" + type + "\", expected application/json");
    given = parsed_body(request.body);
    const Json& schema = route.description["requestBody"]["content"]["application/json"]["schema"];
    if (const auto violation = check(document_, schema, given))
      throw Refused(422, violation->detail, violation->pointer);
  }
  if (route.description.contains("parameters"))
    for (const Json& parameter : route.description["parameters"]) {
      const std::string name = parameter["name"];
      const Json& schema = resolved(document_, parameter["schema"]);
      const bool in_path = parameter["in"] == "path";
      if (!in_path && !request.query.contains(name)) {
        if (parameter.value("required", false)) throw Refused(422, name + " is missing", "/" + name);
        if (schema.contains("default")) given[name] = schema["default"];
        continue;
      }
      Json value = in_path ? parameters[name] : parameter_value(schema, request.query.at(name));
      if (const auto violation = check(document_, schema, value, "/" + name))
        throw Refused(in_path ? 404 : 422, violation->detail, violation->pointer);
      given[name] = std::move(value);
    }
  return route.operation(Call{explorer_, given, progress, openapi_document()});
}

HttpResponse Api::route(const HttpRequest& request, Progress& progress) const {
  if (!request.path.starts_with("/api")) return asset(request);
  const std::vector<std::string> segments = split(request.path, '/');
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    if (route.segments.size() != segments.size()) continue;
    Json parameters = Json::object();
    bool matches = true;
    for (size_t i = 0; i < segments.size() && matches; ++i) {
      const std::string& pattern = route.segments[i];
      if (pattern.starts_with('{') && !segments[i].empty())
        parameters[pattern.substr(1, pattern.size() - 2)] = segments[i];
      else
        matches = pattern == segments[i];
    }
    if (!matches) continue;
    if (route.method == request.method || (route.method == "GET" && request.method == "HEAD"))
      return operate(route, request, parameters, progress);
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty()) return problem(404, "there is no such operation (/api/openapi.json has all)");
  if (request.method == "OPTIONS" && !access_.allow_origin.empty()) return {.status = 204, .content_type = ""};
  HttpResponse refused = problem(405, request.method + " is not for " + request.path);
  refused.headers.emplace_back("Allow", join(std::vector<std::string>(allowed.begin(), allowed.end()), ", "));
  return refused;
}

HttpResponse Api::answer(const HttpRequest& request, Progress& progress) const {
  // Requests are worked on side by side, each by one thread: threads that wait for each other lose more than they give
  // on a machine that does other things too.
  thread_local const bool one_thread = (use_one_thread_here(), true);
  (void)one_thread;
  HttpResponse response;
  try {
    const auto refused = refuse(access_, request);
    response = refused ? *refused : route(request, progress);
  } catch (const Refused& refused) {
    response = refused.response();
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    response = problem(error);
  } catch (const std::exception& error) {
    const auto* from_libtorch = dynamic_cast<const c10::Error*>(&error);
    log_warning(request.method + " " + request.path + ": " +
                (from_libtorch != nullptr ? from_libtorch->what_without_backtrace() : error.what()));
    response = is_out_of_memory(error) ? problem(503, "out of memory") : problem(500, "internal error");
  }
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  add_headers(access_, request, response);
  return response;
}

}  // namespace tvae::server
