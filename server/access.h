// Who may ask: the duties of a server on a person's own machine, where every page in the browser can send it requests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/http.h"

namespace tvae::server {

struct Access {
  std::string host = {};          // that the server listens at
  std::string token = {};         // empty = none is needed
  std::string allow_origin = {};  // another origin whose pages may ask; empty = none
  bool in_frames = false;         // pages of this machine, such as notebooks, may show the explorer in a frame
};

/// Whether only this machine reaches an address.
bool is_loopback(const std::string& host);
/// The same, in a time that says nothing of where two differ.
bool same_secret(const std::string& a, const std::string& b);
/// 32 random hexadecimal digits.
std::string new_token();

/// What somebody is answered who may not ask; nullopt for everybody else. Host has to name this server, so that a name
/// that suddenly leads here (DNS rebinding) gets nothing; an Origin has to be this server's or the allowed one; what is
/// below /api needs the token, where there is one.
std::optional<HttpResponse> refuse(const Access& access, const HttpRequest& request);

/// Headers of every answer.
void add_headers(const Access& access, const HttpRequest& request, HttpResponse& response);

}  // namespace tvae::server
