#include "tvae/ops/one_thread.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <thread>

namespace tvae {
namespace {

int threads_of_a_new_thread() {
  int seen = 0;
  std::thread([&] { seen = at::get_num_threads(); }).join();
  return seen;
}

TEST(OneThread, IsWhatTheThreadItselfComputesWithAndNoOther) {
  const int before = at::get_num_threads();
  at::set_num_threads(3);
  std::thread([] {
    use_one_thread_here();
    EXPECT_EQ(at::get_num_threads(), 1);
    use_one_thread_here();
    EXPECT_EQ(at::get_num_threads(), 1);
  }).join();
  EXPECT_EQ(at::get_num_threads(), 3);
  EXPECT_EQ(threads_of_a_new_thread(), 3);
  at::set_num_threads(before);
}

}  // namespace
}  // namespace tvae
