// An HTTP/1.1 server for few people, by Boost.Beast: one thread for the network, a pool of threads for the work.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "server/http.h"

namespace tvae::server {

struct HttpOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 8000;  // 0 = any that is free
  size_t threads = 2;    // of the pool
  /// Requests that may be worked on or wait for it; one more is answered with 503.
  size_t most_waiting = 128;
  size_t most_connections = 512;                    // further ones wait until one ends
  uint64_t header_limit = uint64_t{16} * 1024;      // bytes; beyond: 431
  uint64_t body_limit = uint64_t{4} * 1024 * 1024;  // bytes; beyond: 413
  std::chrono::seconds time_limit{20};              // for a request to arrive, for an answer to be taken
  /// How long stop() lets work go on before it ends it.
  std::chrono::milliseconds grace{3500};
};

class HttpServer {
 public:
  /// Answers a request, on a thread of the pool. `progress` throws Interrupted once the client has gone or the server
  /// ends: long work tells it how far it is. Whatever else it throws is answered with 500.
  using Handler = std::function<HttpResponse(const HttpRequest& request, Progress& progress)>;
  /// Answers what never reaches the handler: 400, 413, 431, 500, 503.
  using Refusal = std::function<HttpResponse(int status, const std::string& detail)>;

  /// Binds. Throws ConfigError: an address that is none, or is in use.
  HttpServer(HttpOptions options, Handler handler, Refusal refusal);
  ~HttpServer();

  uint16_t port() const;
  /// Serves until stop() or, with `until_signal`, SIGINT or SIGTERM; then lets running work end, and returns.
  void run(bool until_signal = false);
  /// From any thread.
  void stop();
  /// Requests that are worked on or wait for it.
  size_t waiting() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tvae::server
