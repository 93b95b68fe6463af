#include "tvae/base/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace tvae {
namespace {

TEST(ParallelFor, DoesEveryPieceOnce) {
  for (const size_t threads : {0, 1, 3, 100}) {
    std::vector<std::atomic<int>> done(1000);
    parallel_for(
        done.size(), [&](size_t i) { ++done[i]; }, threads);
    for (const auto& count : done) ASSERT_EQ(count, 1);
    parallel_for(
        0, [](size_t) { FAIL(); }, threads);
  }
}

TEST(ParallelFor, ThrowsTheFirstExceptionAndBeginsNothingMore) {
  std::atomic<int> begun = 0;
  const auto work = [&](size_t) {
    ++begun;
    throw std::runtime_error("broken");
  };
  EXPECT_THROW(parallel_for(100'000, work, 4), std::runtime_error);
  EXPECT_LE(begun, 4) << "one a thread";
}

// In a process of its own, whose address space has no room for the stack of another thread.
TEST(ParallelFor, GoesOnWhereNoThreadCanBeStarted) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{1, 1};
    setrlimit(RLIMIT_AS, &none);
    static std::atomic<int> done;
    done = 0;
    parallel_for(
        50, [](size_t) { ++done; }, 4);
    _exit(done == 50 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace tvae
