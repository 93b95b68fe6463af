#include "server/http_server.h"

#include <array>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <set>
#include <utility>  // before Boost 1.74's awaitable.hpp, which forgets it

#include "tvae/base/error.h"

namespace tvae::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Response = http::response<http::string_body>;

constexpr std::chrono::milliseconds kEventsEvery{100};
constexpr std::chrono::milliseconds kAfterFailedAccept{100};

/// use_awaitable that gives an error instead of throwing it.
auto with(error_code& error) {
  return asio::redirect_error(use_awaitable, error);
}

struct Connection {
  explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
  beast::tcp_stream stream;
  bool idle = false;  // waits for a request
  std::chrono::steady_clock::time_point idle_since = {};
};

/// Throws once its client has gone, or the server ends its work.
class WhileWanted : public Progress {
 public:
  WhileWanted(const std::atomic<bool>& gone, const std::atomic<bool>& ending) : gone_(gone), ending_(ending) {}
  void update(const char* what, int64_t, int64_t) override {
    if (gone_ || ending_) throw Interrupted(std::string("interrupted while ") + what);
  }

 private:
  const std::atomic<bool>&gone_, &ending_;
};

Response to_beast(HttpResponse made, bool keep_alive) {
  Response response;
  response.result(static_cast<unsigned>(made.status));
  response.keep_alive(keep_alive);
  if (!made.content_type.empty()) response.set(http::field::content_type, made.content_type);
  for (const auto& [name, value] : made.headers) response.set(name, value);
  response.body() = std::move(made.body);
  // 204 and 304 have no body, and so no length either.
  if (made.status == 204 || made.status == 304)
    response.erase(http::field::content_type);
  else
    response.prepare_payload();
  return response;
}

/// False where the target is malformed.
bool to_request(http::request<http::string_body>& from, HttpRequest& request) {
  request.method = std::string(from.method_string());
  for (const auto& field : from) {
    std::string name(field.name_string());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    request.headers[name] = std::string(field.value());
  }
  request.body = std::move(from.body());
  return parse_target(std::string(from.target()), request);
}

}  // namespace

struct HttpServer::Implementation {
  HttpOptions options;
  Handler handler;
  Refusal refusal;
  asio::io_context network{1};
  asio::thread_pool pool;
  tcp::acceptor acceptor{network};
  asio::steady_timer last_orders{network}, room{network};
  std::set<std::shared_ptr<Connection>> connections;
  std::atomic<size_t> waiting = 0;
  std::atomic<bool> closing = false;  // no further requests
  std::atomic<bool> ending = false;   // no further work

  Implementation(HttpOptions given, Handler handles, Refusal refuses)
      : options(std::move(given)), handler(std::move(handles)), refusal(std::move(refuses)), pool(options.threads) {
    error_code error;
    const asio::ip::address address = asio::ip::make_address(options.host, error);
    if (error) throw ConfigError("host", "\"" + options.host + "\"", "an address of this machine, such as 127.0.0.1");
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw ConfigError("cannot listen at " + options.host + ":" + std::to_string(options.port), error.message(), "",
                        error == asio::error::address_in_use ? "another port, or 0 for any that is free" : "");
  }

  asio::awaitable<void> accept() {
    while (!closing) {
      if (connections.size() >= options.most_connections && !close_longest_idle()) {
        error_code cancelled;
        room.expires_at(asio::steady_timer::time_point::max());
        co_await room.async_wait(with(cancelled));
        continue;
      }
      error_code error;
      tcp::socket socket = co_await acceptor.async_accept(with(error));
      if (closing) co_return;
      if (error) {  // most often too few descriptors, of which one will be free again
        asio::steady_timer pause(network, kAfterFailedAccept);
        co_await pause.async_wait(with(error));
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      const auto connection = std::make_shared<Connection>(std::move(socket));
      connections.insert(connection);
      asio::co_spawn(network, serve(connection), [this, connection](const std::exception_ptr&) {
        connections.erase(connection);
        room.cancel();
        if (closing && connections.empty()) network.stop();
      });
    }
  }

  /// So that those who ask for nothing keep nobody out. False where all are being answered.
  bool close_longest_idle() {
    std::shared_ptr<Connection> longest;
    for (const auto& connection : connections)
      if (connection->idle && (!longest || connection->idle_since < longest->idle_since)) longest = connection;
    if (!longest) return false;
    error_code ignored;
    longest->idle = false;
    longest->stream.socket().close(ignored);
    return true;
  }

  asio::awaitable<void> serve(std::shared_ptr<Connection> connection) {
    beast::tcp_stream& stream = connection->stream;
    beast::flat_buffer buffer(options.header_limit + options.body_limit);
    while (!closing) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(static_cast<std::uint32_t>(options.header_limit));
      parser.body_limit(options.body_limit);
      error_code error;
      stream.expires_after(options.time_limit);  // of the whole request: ends those who send a byte a second
      connection->idle = true;
      connection->idle_since = std::chrono::steady_clock::now();
      co_await http::async_read_header(stream, buffer, parser, with(error));
      connection->idle = false;
      if (!error && parser.get()[http::field::expect] == "100-continue") {
        http::response<http::empty_body> go_on(http::status::continue_, 11);
        co_await http::async_write(stream, go_on, with(error));
      }
      if (!error) co_await http::async_read(stream, buffer, parser, with(error));
      if (error) {
        if (auto refused = answer_to(error)) {
          co_await write(stream, std::move(*refused), false, false);
          co_await take_rest(stream);
        }
        break;
      }
      http::request<http::string_body> raw = parser.release();
      const bool keep_alive = raw.keep_alive();
      HttpRequest request;
      request.malformed = !to_request(raw, request);
      HttpResponse response = co_await answer(connection, request);
      const bool stay = keep_alive && !closing;
      if (response.events) {
        co_await write_events(stream, response);
        break;
      }
      if (!co_await write(stream, std::move(response), stay, request.method == "HEAD") || !stay) break;
    }
    error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  /// What somebody is told whose request cannot be read; nothing of one who has gone.
  std::optional<HttpResponse> answer_to(error_code error) const {
    if (error == http::error::body_limit)
      return refusal(413, "the body is larger than " + std::to_string(options.body_limit) + " bytes");
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return refusal(431, "the header is larger than " + std::to_string(options.header_limit) + " bytes");
    if (error.category() == make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message)
      return refusal(400, "this is no HTTP request: " + error.message());
    return std::nullopt;
  }

  asio::awaitable<HttpResponse> answer(const std::shared_ptr<Connection>& connection, const HttpRequest& request) {
    if (waiting >= options.most_waiting) {
      HttpResponse busy = refusal(503, "too many requests wait already");
      busy.headers.emplace_back("Retry-After", "1");
      co_return busy;
    }
    ++waiting;
    // Readable while it waits for an answer: the client has gone, or has sent its next request.
    const auto gone = std::make_shared<std::atomic<bool>>(false);
    tcp::socket& socket = connection->stream.socket();
    socket.async_wait(tcp::socket::wait_read, [connection, gone](error_code error) {
      char next;
      if (!error && ::recv(connection->stream.socket().native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        *gone = true;
    });
    HttpResponse response;
    co_await asio::co_spawn(
        pool,
        [&]() -> asio::awaitable<void> {
          WhileWanted progress(*gone, ending);
          try {
            response = handler(request, progress);
          } catch (const Interrupted&) {
            response = refusal(503, "the server ends");
          } catch (const std::exception&) {
            response = refusal(500, "internal error");
          }
          co_return;
        },
        use_awaitable);
    error_code ignored;
    socket.cancel(ignored);
    --waiting;
    co_return response;
  }

  asio::awaitable<bool> write(beast::tcp_stream& stream, HttpResponse made, bool keep_alive, bool head) {
    error_code error;
    Response response = to_beast(std::move(made), keep_alive);
    stream.expires_after(options.time_limit);
    if (head) {
      http::response_serializer<http::string_body> serializer(response);
      co_await http::async_write_header(stream, serializer, with(error));
    } else {
      co_await http::async_write(stream, response, with(error));
    }
    co_return !error;
  }

  /// Reads on for a while what somebody sends who was refused: were the connection closed at once, the answer could get
  /// lost on its way.
  asio::awaitable<void> take_rest(beast::tcp_stream& stream) {
    constexpr size_t kMost = size_t{64} * 1024 * 1024;
    error_code error;
    stream.socket().shutdown(tcp::socket::shutdown_send, error);
    stream.expires_after(std::chrono::seconds(2));
    std::array<char, 65536> part{};
    for (size_t taken = 0; !error && taken < kMost;)
      taken += co_await stream.async_read_some(asio::buffer(part), with(error));
  }

  asio::awaitable<void> write_events(beast::tcp_stream& stream, const HttpResponse& made) {
    http::response<http::empty_body> response;
    response.result(static_cast<unsigned>(made.status));
    response.set(http::field::content_type, made.content_type);
    for (const auto& [name, value] : made.headers) response.set(name, value);
    response.chunked(true);
    http::response_serializer<http::empty_body> serializer(response);
    error_code error;
    stream.expires_after(options.time_limit);
    co_await http::async_write_header(stream, serializer, with(error));
    asio::steady_timer timer(network);
    while (!error && !closing) {
      const std::optional<std::string> event = made.events();
      if (!event) break;
      if (!event->empty()) {
        stream.expires_after(options.time_limit);
        co_await asio::async_write(stream, http::make_chunk(asio::buffer(*event)), with(error));
      }
      timer.expires_after(kEventsEvery);
      error_code ignored;
      co_await timer.async_wait(with(ignored));
    }
    if (!error) co_await asio::async_write(stream, http::make_chunk_last(), with(error));
  }

  void stop() {
    if (closing.exchange(true)) {  // a second time: at once
      ending = true;
      return;
    }
    error_code ignored;
    acceptor.close(ignored);
    room.cancel();
    for (const auto& connection : connections)
      if (connection->idle) connection->stream.socket().close(ignored);
    last_orders.expires_after(options.grace);
    last_orders.async_wait([this](error_code) { ending = true; });
    if (connections.empty()) network.stop();
  }
};

HttpServer::HttpServer(HttpOptions options, Handler handler, Refusal refusal)
    : implementation_(std::make_unique<Implementation>(std::move(options), std::move(handler), std::move(refusal))) {}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const {
  return implementation_->acceptor.local_endpoint().port();
}

size_t HttpServer::waiting() const {
  return implementation_->waiting;
}

void HttpServer::run(bool until_signal) {
  Implementation& self = *implementation_;
  asio::signal_set signals(self.network);
  std::function<void(error_code, int)> on_signal = [&](error_code error, int) {
    if (error) return;
    self.stop();
    signals.async_wait(on_signal);
  };
  if (until_signal) {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    signals.async_wait(on_signal);
  }
  asio::co_spawn(self.network, self.accept(), asio::detached);
  self.network.run();
  self.ending = true;
  self.pool.join();
}

void HttpServer::stop() {
  asio::post(implementation_->network, [this] { implementation_->stop(); });
}

}  // namespace tvae::server
