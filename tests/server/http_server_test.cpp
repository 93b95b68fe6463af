#include "server/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "server/api.h"
#include "tvae/base/error.h"

namespace tvae::server {
namespace {

/// A connection as any client could make one.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    const timeval patience{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// False where the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  /// What comes until `enough` is in it, or the server closes.
  std::string receive(const std::string& enough) {
    std::string received;
    char part[4096];
    while (received.find(enough) == std::string::npos) {
      const auto count = ::recv(socket_, part, sizeof part, 0);
      if (count <= 0) break;
      received.append(part, static_cast<size_t>(count));
    }
    return received;
  }
  /// What comes until the server closes.
  std::string receive_all() { return receive("\x01 never"); }

 private:
  int socket_;
};

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

class Server : public testing::Test {
 protected:
  void start(HttpOptions options = {}) {
    options.port = 0;
    server_ = std::make_unique<HttpServer>(
        options,
        [this](const HttpRequest& request, Progress& progress) -> HttpResponse {
          if (request.path == "/wait") {
            ++waiting_;
            try {
              while (!go_on_) {
                progress.update("waiting", 0, 0);
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
              }
            } catch (const Interrupted&) {
              ++interrupted_;
              throw;
            }
          }
          if (request.path == "/fail") throw std::runtime_error("/secret/path");
          if (request.path == "/events")
            return {.content_type = "text/event-stream", .events = [left = 3]() mutable -> std::optional<std::string> {
                      if (left-- == 0) return std::nullopt;
                      return "data: " + std::to_string(left) + "\n\n";
                    }};
          return {.content_type = "text/plain", .body = request.method + " " + request.path + " " + request.body};
        },
        Api::refusal);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Server() override {
    if (!server_) return;
    go_on_ = true;
    server_->stop();
    thread_.join();
  }
  template <class Condition>
  static bool soon(const Condition& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return condition();
  }

  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::atomic<bool> go_on_ = false;
  std::atomic<int> waiting_ = 0, interrupted_ = 0;
};

TEST_F(Server, AnswersSeveralRequestsOfOneConnection) {
  start();
  Client client(server_->port());
  client.send(get("/a"));
  EXPECT_NE(client.receive("GET /a").find("200 OK"), std::string::npos);
  client.send("POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_NE(client.receive("POST /b hello").find("200 OK"), std::string::npos);
  client.send(get("/c") + get("/d"));  // without waiting for the first answer
  EXPECT_NE(client.receive("GET /d").find("GET /c"), std::string::npos);
}

TEST_F(Server, RefusesWhatIsTooLargeOrNoHttp) {
  start({.header_limit = 2048, .body_limit = 10000});
  const auto answer = [this](const std::string& bytes) {
    Client client(server_->port());
    client.send(bytes);
    return client.receive_all();
  };
  EXPECT_NE(answer("nonsense\r\n\r\n").find("400 Bad Request"), std::string::npos);
  EXPECT_NE(answer("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(5000, 'x') + "\r\n\r\n").find("431"),
            std::string::npos);
  EXPECT_NE(answer("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n").find("413"), std::string::npos);
  EXPECT_NE(
      answer("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n" + std::string(20000, 'x'))
          .find("413"),
      std::string::npos);
  EXPECT_NE(answer("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nxx\r\n0\r\n\r\n").find("400"),
            std::string::npos);
  EXPECT_NE(answer("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n").find("400"), std::string::npos);
  Client still_served(server_->port());
  still_served.send(get("/a"));
  EXPECT_NE(still_served.receive("GET /a").find("200 OK"), std::string::npos);
}

TEST_F(Server, SlowClientsAreCutOffAndDisturbNobody) {
  start({.time_limit = std::chrono::seconds(1)});
  Client slow(server_->port());
  slow.send("GET / HTTP/1.1\r\nHost: lo");
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 50; ++i) idle.push_back(std::make_unique<Client>(server_->port()));
  Client quick(server_->port());
  quick.send(get("/a"));
  EXPECT_NE(quick.receive("GET /a").find("200 OK"), std::string::npos);
  EXPECT_EQ(slow.receive_all(), "");
}

TEST_F(Server, ThoseWhoAskForNothingKeepNobodyOut) {
  start({.most_connections = 10});
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 40; ++i) idle.push_back(std::make_unique<Client>(server_->port()));
  Client client(server_->port());
  client.send(get("/a"));
  EXPECT_NE(client.receive("GET /a").find("200 OK"), std::string::npos);
  EXPECT_EQ(idle.front()->receive_all(), "") << "the longest idle one has gone";
}

TEST_F(Server, WhoSendsTooMuchStillHearsWhy) {
  start({.body_limit = 1000});
  Client client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" + std::string(10'000'000, 'x'));
  EXPECT_NE(client.receive("larger than").find("413"), std::string::npos);
}

TEST_F(Server, AQueueThatIsFullAnswers503) {
  start({.threads = 1, .most_waiting = 2});
  Client first(server_->port()), second(server_->port()), third(server_->port());
  first.send(get("/wait"));
  second.send(get("/wait"));
  ASSERT_TRUE(soon([this] { return server_->waiting() == 2; }));
  third.send(get("/a"));
  const std::string refused = third.receive("\r\n\r\n");
  EXPECT_NE(refused.find("503"), std::string::npos);
  EXPECT_NE(refused.find("Retry-After"), std::string::npos);
  go_on_ = true;
  EXPECT_NE(first.receive("GET /wait").find("200 OK"), std::string::npos);
  EXPECT_NE(second.receive("GET /wait").find("200 OK"), std::string::npos);
}

TEST_F(Server, AClientThatLeavesStopsItsWork) {
  start();
  {
    Client client(server_->port());
    client.send(get("/wait"));
    ASSERT_TRUE(soon([this] { return waiting_ == 1; }));
  }
  EXPECT_TRUE(soon([this] { return interrupted_ == 1; }));
  EXPECT_TRUE(soon([this] { return server_->waiting() == 0; }));
}

TEST_F(Server, SaysNothingOfItsOwnFaults) {
  start();
  Client client(server_->port());
  client.send(get("/fail"));
  const std::string answer = client.receive("internal error");
  EXPECT_NE(answer.find("500"), std::string::npos);
  EXPECT_EQ(answer.find("secret"), std::string::npos);
}

TEST_F(Server, SendsEventsUntilTheyEnd) {
  start();
  Client client(server_->port());
  client.send(get("/events"));
  const std::string all = client.receive_all();
  for (const char* event : {"data: 2\n", "data: 1\n", "data: 0\n", "\r\n0\r\n\r\n"})
    EXPECT_NE(all.find(event), std::string::npos) << event;
}

TEST_F(Server, HeadHasNoBodyAnd304NeitherLength) {
  start();
  Client client(server_->port());
  client.send("HEAD /a HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/b"));
  const std::string answers = client.receive("GET /b");
  EXPECT_NE(answers.find("Content-Length: 8"), std::string::npos);
  EXPECT_EQ(answers.find("HEAD /a"), std::string::npos);
}

TEST_F(Server, TheEndLetsRunningWorkFinish) {
  start({.grace = std::chrono::milliseconds(5000)});
  Client client(server_->port()), idle(server_->port());
  client.send(get("/wait"));
  ASSERT_TRUE(soon([this] { return waiting_ == 1; }));
  server_->stop();
  EXPECT_EQ(idle.receive_all(), "") << "who asks for nothing is let go";
  go_on_ = true;
  EXPECT_NE(client.receive("GET /wait").find("200 OK"), std::string::npos);
  EXPECT_EQ(interrupted_, 0);
}

TEST_F(Server, TheEndCutsWorkThatTakesTooLong) {
  start({.grace = std::chrono::milliseconds(100)});
  Client client(server_->port());
  client.send(get("/wait"));
  ASSERT_TRUE(soon([this] { return waiting_ == 1; }));
  server_->stop();
  EXPECT_NE(client.receive("server ends").find("503"), std::string::npos);
  EXPECT_EQ(interrupted_, 1);
}

TEST_F(Server, AnAddressThatIsTakenOrNoneIsRefused) {
  start();
  const auto make = [](HttpOptions options) {
    HttpServer second(
        options, [](const HttpRequest&, Progress&) { return HttpResponse{}; }, Api::refusal);
  };
  EXPECT_THROW(make({.port = server_->port()}), ConfigError);
  EXPECT_THROW(make({.host = "nowhere.example", .port = 0}), ConfigError);
  EXPECT_THROW(make({.host = "203.0.113.7", .port = 0}), ConfigError);
}

}  // namespace
}  // namespace tvae::server
