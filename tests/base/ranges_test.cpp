#include "tvae/base/ranges.h"

#include <gtest/gtest.h>

#include <limits>

namespace tvae {
namespace {

TEST(Ranges, AreSaidInOneWay) {
  EXPECT_EQ(range_text(0, 1), "0 to 1");
  EXPECT_EQ(range_text(-0.5, 1e6), "-0.5 to 1000000");
  EXPECT_EQ(range_text(1e-6, 9e15), "1e-06 to 9e+15");
  EXPECT_EQ(range_text(1, std::numeric_limits<double>::infinity()), "at least 1");
}

}  // namespace
}  // namespace tvae
