#include "tvae/base/utf8.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(Utf8, AcceptsEveryLengthOfCharacter) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_valid_utf8("é€\U0001F600\U0010FFFF\uD7FF\uE000"));
}

TEST(Utf8, RefusesMalformedBytes) {
  for (const char* bytes : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xC3", "\xE2\x82", "\xE2\x28\xA1"})
    EXPECT_FALSE(is_valid_utf8(bytes)) << bytes;
}

TEST(Utf8, SplitsIntoCharactersAndLooseBytes) {
  const std::string text = "aé\xE2\x82!\U0001F600";
  const std::vector<std::string_view> expected = {"a", "é", "\xE2", "\x82", "!", "\U0001F600"};
  EXPECT_EQ(utf8_characters(text), expected);
}

TEST(Utf8, RepairReplacesEachMalformedPartOnce) {
  EXPECT_EQ(repair_utf8("good é"), "good é");
  EXPECT_EQ(repair_utf8("a\xE2\x82z\xFF\xFE"), "a\uFFFDz\uFFFD\uFFFD");
  EXPECT_TRUE(is_valid_utf8(repair_utf8("\xED\xA0\x80\xF0\x9F")));
}

}  // namespace
}  // namespace tvae
