#include "tvae/base/strings.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(Base64, TestVectorsOfTheRfc) {  // RFC 4648, section 10
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, encoded] : vectors) EXPECT_EQ(base64(bytes), encoded) << bytes;
  EXPECT_EQ(base64(std::string("\xff\xfe\x00", 3)), "//4A");
}

TEST(Nearest, IsNearAndNotJustShort) {
  EXPECT_EQ(nearest("sampels", {"seed", "samples", "only"}), "samples");
  EXPECT_EQ(nearest("ot", {"out", "to"}), "out");
  EXPECT_EQ(nearest("xy", {"to"}), "") << "no letter in common";
  EXPECT_EQ(nearest("x", {"n", "to"}), "");
  EXPECT_EQ(nearest("", {"a"}), "");
}

}  // namespace
}  // namespace tvae
