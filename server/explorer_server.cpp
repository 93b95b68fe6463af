#include "server/explorer_server.h"

#include <algorithm>

#include "server/api.h"
#include "tvae/base/error.h"
#include "tvae/base/threads.h"

namespace tvae::server {

struct ExplorerServer::Parts {
  ServeOptions options;
  Assets assets;
  HttpServer http;
  Explorer explorer;
  Api api;

  Parts(std::vector<LatentSpace> spaces, ServeOptions given)
      : options(std::move(given)),
        assets(options.assets.empty() ? built_in_assets() : read_assets(options.assets)),
        http(
            options.http,
            [this](const HttpRequest& request, Progress& progress) { return api.answer(request, progress); },
            Api::refusal),
        explorer(std::move(spaces), options.explorer),
        api(explorer, options.access, assets, [this] { return http.waiting(); }) {}
};

namespace {

ServeOptions completed(ServeOptions options) {
  options.access.host = options.http.host;
  if (options.access.token.empty() && !is_loopback(options.http.host)) options.access.token = new_token();
  // More than processors: those whose codes wait to be decoded with others' hold a thread, and do nothing.
  options.http.threads = std::max<size_t>(16, 4 * max_threads());
  return options;
}

std::vector<LatentSpace> sharing(std::vector<LatentSpace> spaces) {
  if (spaces.empty() || spaces.size() > 2)
    throw ConfigError("models to serve", std::to_string(spaces.size()), "one, or two to compare");
  for (LatentSpace& space : spaces) space.share_decoding(static_cast<int64_t>(max_threads()));
  return spaces;
}

}  // namespace

ExplorerServer::ExplorerServer(std::vector<LatentSpace> spaces, ServeOptions options)
    : parts_(std::make_unique<Parts>(sharing(std::move(spaces)), completed(std::move(options)))) {}

ExplorerServer::~ExplorerServer() = default;

uint16_t ExplorerServer::port() const {
  return parts_->http.port();
}

const std::string& ExplorerServer::token() const {
  return parts_->options.access.token;
}

std::string ExplorerServer::address() const {
  const std::string& at = parts_->options.http.host;
  const bool everywhere = at == "0.0.0.0" || at == "::";
  const std::string host = everywhere ? "localhost" : at.find(':') != std::string::npos ? "[" + at + "]" : at;
  return "http://" + host + ":" + std::to_string(port()) + "/" + (token().empty() ? "" : "#token=" + token());
}

void ExplorerServer::run(bool until_signal) {
  parts_->http.run(until_signal);
}

void ExplorerServer::stop() {
  parts_->http.stop();
}

}  // namespace tvae::server
