// The explorer as a whole: models, page, API and network. What tvae serve and tvae.serve() start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/access.h"
#include "server/explorer.h"
#include "server/http_server.h"

namespace tvae::server {

struct ServeOptions {
  ExplorerOptions explorer = {};
  HttpOptions http = {};    // its threads are set
  Access access = {};       // its host is that of `http`; beyond this machine it gets a token where it has none
  std::string assets = {};  // folder with the page's files; empty = those that the program carries with it
};

class ExplorerServer {
 public:
  /// Of one or two models, which nobody else uses. Listens, but does not answer yet. Throws ConfigError (an address),
  /// DataError (a corpus, assets).
  ExplorerServer(std::vector<LatentSpace> spaces, ServeOptions options);
  ~ExplorerServer();

  uint16_t port() const;
  /// What a browser opens, with the token where there is one.
  std::string address() const;
  const std::string& token() const;
  /// Answers until stop() or, with `until_signal`, SIGINT or SIGTERM; then lets running work end, and returns.
  void run(bool until_signal);
  /// From any thread.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tvae::server
