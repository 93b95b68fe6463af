#include "server/http.h"

#include <gtest/gtest.h>

namespace tvae::server {
namespace {

TEST(ParseTarget, DecodesPathAndQuery) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/api/map%20x?name=a%26b&text=x+%3D+1&flag&=e&name=last", request));
  EXPECT_EQ(request.path, "/api/map x");
  EXPECT_EQ(request.query["name"], "last");
  EXPECT_EQ(request.query["text"], "x = 1");
  EXPECT_EQ(request.query["flag"], "");
}

TEST(ParseTarget, RefusesWhatIsNone) {
  for (const char* target : {"", "api", "http://other/api", "/%", "/%4", "/%zz", "/%ff", "/%00", "/?a=%c3"}) {
    HttpRequest request;
    EXPECT_FALSE(parse_target(target, request)) << target;
  }
}

}  // namespace
}  // namespace tvae::server
