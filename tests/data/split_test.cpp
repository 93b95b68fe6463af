// Which rows are held out (tvae/data/split.h).
#include "tvae/data/split.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(Split, HeldOutShare) {
  int held = 0;
  for (int i = 0; i < 10000; ++i) held += is_held_out("line " + std::to_string(i), 0.1, 3);
  EXPECT_NEAR(held, 1000, 100);
  EXPECT_FALSE(is_held_out("a", 0.0, 3));
  EXPECT_TRUE(is_held_out("a", 1.0, 3));
}

TEST(Split, KeepsEachRowOnceOnItsSide) {
  std::vector<std::string> rows;
  for (int i = 0; i < 100; ++i) rows.push_back("row " + std::to_string(i % 50));
  const Split split = split_rows(rows, 0.5, 1);
  EXPECT_EQ(split.train.size() + split.valid.size(), 50U);
  for (const std::string& row : split.valid) EXPECT_TRUE(is_held_out(row, 0.5, 1)) << row;
  for (const std::string& row : split.train) EXPECT_FALSE(is_held_out(row, 0.5, 1)) << row;
}

}  // namespace
}  // namespace tvae
