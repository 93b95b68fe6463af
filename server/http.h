// What goes in and out over HTTP; plain values, so that everything but the network can be tested without one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tvae/base/progress.h"

namespace tvae::server {

struct HttpRequest {
  std::string method = {};                          // "GET", "POST", ...
  std::string path = {};                            // decoded, without the query: "/api/models"
  std::map<std::string, std::string> query = {};    // decoded
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};
  bool malformed = false;  // the target cannot be decoded

  /// Empty where there is none.
  std::string header(const std::string& lower_case_name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Server-sent events instead of a body: asked several times a second, by the thread of the network, so it must not
  /// wait. What it gives is sent as it is; after nullopt the response ends.
  std::function<std::optional<std::string>()> events = {};
};

/// The target of a request, as it comes: path and query, percent-decoded. False where it is malformed.
bool parse_target(const std::string& target, HttpRequest& request);

}  // namespace tvae::server
