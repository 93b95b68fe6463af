#include "tvae/base/bytes.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(Bytes, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_bytes("12GiB"), int64_t{12} << 30);
  EXPECT_EQ(parse_bytes("12 g"), int64_t{12} << 30);
  EXPECT_EQ(parse_bytes("12GB"), 12'000'000'000);
  EXPECT_EQ(parse_bytes("1.5MiB"), 3 << 19);
  EXPECT_EQ(parse_bytes("500MB"), 500'000'000);
  EXPECT_EQ(parse_bytes(" 2k"), 2048);
  EXPECT_EQ(parse_bytes("1T"), int64_t{1} << 40);
  EXPECT_EQ(parse_bytes("4096"), 4096);
  EXPECT_EQ(parse_bytes("4096 B"), 4096);
}

TEST(Bytes, NothingElseIsAnAmount) {
  for (const char* text :
       {"", " ", "much", "GiB", "-1GiB", "0", "12XB", "12GiBs", "12iB", "1e300", "nan", "inf", "12 G 3"})
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
}

TEST(Bytes, AreWrittenWithTheUnitThatFits) {
  EXPECT_EQ(bytes_text(17), "17 bytes");
  EXPECT_EQ(bytes_text(2048), "2 KiB");
  EXPECT_EQ(bytes_text(512 << 20), "512 MiB");
  EXPECT_EQ(bytes_text((int64_t{12} << 30) - (1 << 29)), "11.50 GiB");
}

}  // namespace
}  // namespace tvae
