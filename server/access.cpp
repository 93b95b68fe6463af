#include "server/access.h"

#include <random>

#include "server/problem.h"

namespace tvae::server {
namespace {

/// "127.0.0.1" of "127.0.0.1:8000", "::1" of "[::1]:8000".
std::string host_without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool names_this_server(const Access& access, const std::string& host) {
  const std::string name = host_without_port(host);
  if (is_loopback(name) || name == access.host) return true;
  // A server for all addresses of a machine cannot know their names; its token keeps others out.
  return (access.host == "0.0.0.0" || access.host == "::") && !access.token.empty();
}

/// "http://HOST" of what was asked, which is the origin of the server's own page.
bool is_own_origin(const HttpRequest& request, const std::string& origin) {
  return origin == "http://" + request.header("host") || origin == "https://" + request.header("host");
}

}  // namespace

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

bool same_secret(const std::string& a, const std::string& b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < b.size(); ++i)
    difference |= static_cast<unsigned char>(b[i] ^ (a.empty() ? 0 : a[i % a.size()]));
  return difference == 0;
}

std::string new_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 32; ++i) token += "0123456789abcdef"[random() % 16];
  return token;
}

std::optional<HttpResponse> refuse(const Access& access, const HttpRequest& request) {
  if (request.malformed) return problem(400, "the address cannot be read: percent signs, or bytes that are no UTF-8");
  const std::string host = request.header("host");
  if (host.empty()) return problem(400, "no Host header");
  if (!names_this_server(access, host)) return problem(403, "Host names another server");
  const std::string origin = request.header("origin");
  if (!origin.empty() && !is_own_origin(request, origin) && origin != access.allow_origin)
    return problem(403, "pages of another origin may not ask (tvae serve --allow-origin)");
  if (access.token.empty() || !request.path.starts_with("/api") || request.method == "OPTIONS") return std::nullopt;
  const std::string scheme = "Bearer ", authorization = request.header("authorization");
  if (authorization.starts_with(scheme) && same_secret(authorization.substr(scheme.size()), access.token))
    return std::nullopt;
  HttpResponse refused = problem(401, "the token is missing or wrong (Authorization: Bearer TOKEN)");
  refused.headers.emplace_back("WWW-Authenticate", "Bearer");
  return refused;
}

void add_headers(const Access& access, const HttpRequest& request, HttpResponse& response) {
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cross-Origin-Resource-Policy",
                                access.allow_origin.empty() ? "same-origin" : "cross-origin");
  response.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
      "font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors " +
          (access.in_frames ? std::string("http://localhost:* http://127.0.0.1:* https://localhost:* vscode-webview:")
           : access.allow_origin.empty() ? std::string("'none'")
                                         : access.allow_origin));
  if (!access.allow_origin.empty() && request.header("origin") == access.allow_origin) {
    response.headers.emplace_back("Access-Control-Allow-Origin", access.allow_origin);
    response.headers.emplace_back("Vary", "Origin");
    if (request.method == "OPTIONS") {
      response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE");
      response.headers.emplace_back("Access-Control-Allow-Headers", "Content-Type, Authorization");
    }
  }
}

}  // namespace tvae::server
