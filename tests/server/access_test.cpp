#include "server/access.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tvae::server {
namespace {

HttpRequest request(const std::string& host, const std::map<std::string, std::string>& headers = {},
                    const std::string& path = "/api/models") {
  HttpRequest made{.method = "GET", .path = path, .headers = headers};
  if (!host.empty()) made.headers["host"] = host;
  return made;
}

int status(const Access& access, const HttpRequest& made) {
  const auto refused = refuse(access, made);
  return refused ? refused->status : 200;
}

TEST(Access, HostHasToNameThisServer) {
  const Access here{.host = "127.0.0.1"};
  for (const char* host : {"127.0.0.1:8000", "localhost:8000", "localhost", "[::1]:8000", "127.0.0.2"})
    EXPECT_EQ(status(here, request(host)), 200) << host;
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "10.0.0.5"})
    EXPECT_EQ(status(here, request(host)), 403) << host;
  EXPECT_EQ(status(here, request("")), 400);
  EXPECT_EQ(status({.host = "10.0.0.5", .token = "t"}, request("10.0.0.5:8000", {{"authorization", "Bearer t"}})), 200);
  EXPECT_EQ(status({.host = "0.0.0.0", .token = "t"}, request("box:8000", {{"authorization", "Bearer t"}})), 200);
}

TEST(Access, PagesOfOtherOriginsMayNotAsk) {
  const Access here{.host = "127.0.0.1"};
  EXPECT_EQ(status(here, request("127.0.0.1:8000", {{"origin", "http://127.0.0.1:8000"}})), 200);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:9000"})
    EXPECT_EQ(status(here, request("127.0.0.1:8000", {{"origin", origin}})), 403) << origin;
  const Access allowed{.host = "127.0.0.1", .allow_origin = "http://friend.example"};
  EXPECT_EQ(status(allowed, request("127.0.0.1:8000", {{"origin", "http://friend.example"}})), 200);
}

TEST(Access, TheTokenIsNeededForTheApiAlone) {
  const Access guarded{.host = "127.0.0.1", .token = "0123456789abcdef"};
  EXPECT_EQ(status(guarded, request("localhost")), 401);
  for (const char* given : {"Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdefg",
                            "Bearer 0123456789abcdeg", "Basic 0123456789abcdef", "0123456789abcdef"})
    EXPECT_EQ(status(guarded, request("localhost", {{"authorization", given}})), 401) << given;
  EXPECT_EQ(status(guarded, request("localhost", {{"authorization", "Bearer 0123456789abcdef"}})), 200);
  EXPECT_EQ(status(guarded, request("localhost", {}, "/")), 200) << "the page itself is no secret";
}

TEST(Access, TokensAreNew) {
  EXPECT_NE(new_token(), new_token());
  EXPECT_EQ(new_token().size(), 32U);
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("", "abc"));
  EXPECT_FALSE(same_secret("abcabc", "abc"));
  EXPECT_FALSE(same_secret("abc", ""));
}

TEST(Access, EveryAnswerForbidsScriptsFromElsewhere) {
  HttpResponse response;
  add_headers({.host = "127.0.0.1"}, request("localhost"), response);
  const auto header = [&](const std::string& name) {
    const auto found = std::ranges::find_if(response.headers, [&](const auto& h) { return h.first == name; });
    return found == response.headers.end() ? "" : found->second;
  };
  EXPECT_NE(header("Content-Security-Policy").find("default-src 'none'; script-src 'self'"), std::string::npos);
  EXPECT_EQ(header("Content-Security-Policy").find("unsafe"), std::string::npos);
  EXPECT_EQ(header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header("Access-Control-Allow-Origin"), "");
}

}  // namespace
}  // namespace tvae::server
