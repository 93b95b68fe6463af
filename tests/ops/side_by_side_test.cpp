#include "tvae/ops/side_by_side.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/threads.h"
#include "tvae/base/error.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/torch.h"

namespace tvae {
namespace {

/// Counts what it is told, from which threads; throws at the third.
class Listener : public Progress {
 public:
  void update(const char*, int64_t, int64_t) override {
    is_the_callers_ = is_the_callers_ && std::this_thread::get_id() == caller_;
    if (++told_ == 3) throw Interrupted("enough");
  }
  bool is_the_callers_ = true;
  int told_ = 0;

 private:
  std::thread::id caller_ = std::this_thread::get_id();
};

TEST(SideBySide, EveryPartIsComputedWithoutGradientsAndAsTheCallerRounds) {
  const test::Threads three(3);
  ASSERT_EQ(parts_at_once(), 3);
  std::vector<int> seen(3);
  const Bf16Products rounded(true);
  side_by_side(3, Progress::none(), [&](int64_t part, Progress&) {
    seen[part] += !at::GradMode::is_enabled() && Bf16Products::enabled() && parts_at_once() == 1;
  });
  EXPECT_EQ(seen, std::vector<int>(3, 1));
}

TEST(SideBySide, PartsAreComputedAtTheSameTimeAndTheCallerIsToldUntilTheLastIsDone) {
  const test::Threads three(3);
  // The others wait until the caller's part is done and its progress was told more than it told itself.
  class Counter : public Progress {
   public:
    void update(const char*, int64_t, int64_t) override { ++told; }
    std::atomic<int> told = 0;
  } counter;
  side_by_side(3, counter, [&](int64_t part, Progress& progress) {
    if (part == 0) return progress.update("working", 0, 0);
    while (counter.told < 3) std::this_thread::yield();
  });
  EXPECT_GE(counter.told, 3);
}

TEST(SideBySide, OnePartHasEveryThread) {
  const test::Threads three(3);
  side_by_side(1, Progress::none(), [](int64_t, Progress&) { EXPECT_EQ(parts_at_once(), 3); });
}

TEST(SideBySide, WhatTheCallersProgressThrowsEndsEveryPart) {
  const test::Threads three(3);
  Listener listener;
  const auto endless = [](int64_t, Progress& progress) {
    while (true) progress.update("working", 0, 0);
  };
  EXPECT_THROW(side_by_side(3, listener, endless), Interrupted);
  EXPECT_TRUE(listener.is_the_callers_);
}

TEST(SideBySide, WhatAPartThrowsEndsTheOthersAndLeaves) {
  const test::Threads three(3);
  const auto body = [](int64_t part, Progress& progress) {
    if (part == 2) throw DataError("of a part");
    while (true) progress.update("working", 0, 0);
  };
  EXPECT_THROW(side_by_side(3, Progress::none(), body), DataError);
}

}  // namespace
}  // namespace tvae
