#include "tvae/base/threads.h"

#include <gtest/gtest.h>

#include <thread>

namespace tvae {
namespace {

TEST(Threads, LimitHoldsUntilItIsTakenAway) {
  set_max_threads(3);
  EXPECT_EQ(max_threads(), 3u);
  set_max_threads(0);
  EXPECT_EQ(max_threads(), std::max<size_t>(1, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace tvae
