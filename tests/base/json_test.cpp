#include "tvae/base/json.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

std::string nested(size_t levels, const std::string& open = "[", const std::string& close = "]") {
  std::string text;
  for (size_t i = 0; i < levels; ++i) text += open;
  for (size_t i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(Json, DepthIsThatOfListsAndObjectsTogether) {
  EXPECT_FALSE(nests_deeper("[{\"a\": [1, [2]]}]", 4));
  EXPECT_TRUE(nests_deeper("[{\"a\": [1, [2]]}]", 3));
  EXPECT_FALSE(nests_deeper(R"(["[[[[", "\"[[[[", "\\"])", 1)) << "brackets in strings nest nothing";
  EXPECT_FALSE(nests_deeper("[1], [2], [3]", 1));
}

TEST(Json, ParsesToItsDepthAndNoDeeper) {
  EXPECT_EQ(parse_json(R"({"a": [1, 2.5, "x"]})").dump(), R"({"a":[1,2.5,"x"]})");
  EXPECT_TRUE(parse_json("{").is_discarded());
  EXPECT_TRUE(parse_json("").is_discarded());
  EXPECT_FALSE(parse_json(nested(kDeepestJson)).is_discarded());
  for (const size_t levels : {static_cast<size_t>(kDeepestJson) + 1, size_t{80'000}, size_t{1'000'000}}) {
    EXPECT_TRUE(parse_json(nested(levels)).is_discarded()) << levels;
    EXPECT_TRUE(parse_json(nested(levels, "{\"a\":", "}")).is_discarded()) << levels;
    EXPECT_TRUE(parse_json(std::string(levels, '[')).is_discarded()) << levels;
  }
  const auto deepest = parse_json(nested(kDeepestJson));
  const auto copy = deepest;
  EXPECT_EQ(copy.dump(), nested(kDeepestJson)) << "can be copied and printed";
}

TEST(Json, AFaultHasItsPlace) {
  EXPECT_EQ(json_fault(R"({"a": 1})"), "");
  EXPECT_EQ(json_fault("{\"a\": 1,\n  \"b\": x}"), "no JSON at line 2, column 8");
  EXPECT_EQ(json_fault("{\n"), "no JSON at line 2, column 1");
  EXPECT_EQ(json_fault(""), "no JSON at line 1, column 1");
  EXPECT_EQ(json_fault("[1e999]"), "JSON with a number that is too large");
  EXPECT_NE(json_fault(nested(1000)).find("nests too deeply"), std::string::npos);
}

TEST(Json, FilesAreNamedInErrors) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(read_json_file(folder.put("good.json", "{\"a\": 1}"))["a"], 1);
  for (const std::string& text :
       {std::string("[1]"), std::string("{"), std::string(), "{\"a\": " + nested(80'000) + "}"}) {
    const std::string path = folder.put("bad.json", text);
    try {
      read_json_file(path);
      FAIL() << text.substr(0, 20);
    } catch (const CheckpointError& error) {
      EXPECT_EQ(std::string(error.what()).find(path), 0u) << error.what();
      EXPECT_EQ(std::string(error.what()).find("too deeply") != std::string::npos, text.size() > 1000) << error.what();
    }
  }
  EXPECT_THROW(read_json_file(folder.path("none.json")), DataError);
}

TEST(Json, WholeNumbersAreThoseThatSixtyFourBitsHold) {
  EXPECT_EQ(whole_number(parse_json("-7")), -7);
  EXPECT_EQ(whole_number(parse_json("9223372036854775807")), INT64_MAX);
  for (const char* other : {"9223372036854775808", "1e300", "1.0", "\"1\"", "null", "[1]"})
    EXPECT_EQ(whole_number(parse_json(other)), std::nullopt) << other;
}

}  // namespace
}  // namespace tvae
