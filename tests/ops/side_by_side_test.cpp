#include "tvae/ops/side_by_side.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/torch.h"

namespace tvae {
namespace {

/// libtorch computes with three threads while one lives.
class ThreeThreads {
 public:
  ThreeThreads() : before_(at::get_num_threads()) { at::set_num_threads(3); }
  ~ThreeThreads() { at::set_num_threads(before_); }

 private:
  int before_;
};

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
  const ThreeThreads three;
  ASSERT_EQ(parts_at_once(), 3);
  std::vector<int> seen(3);
  const Bf16Products rounded(true);
  side_by_side(3, Progress::none(), [&](int64_t part, Progress&) {
    seen[part] += !at::GradMode::is_enabled() && Bf16Products::enabled() && parts_at_once() == 1;
  });
  EXPECT_EQ(seen, std::vector<int>(3, 1));
}

TEST(SideBySide, OnePartHasEveryThread) {
  const ThreeThreads three;
  side_by_side(1, Progress::none(), [](int64_t, Progress&) { EXPECT_EQ(parts_at_once(), 3); });
}

TEST(SideBySide, WhatTheCallersProgressThrowsEndsEveryPart) {
  const ThreeThreads three;
  Listener listener;
  const auto endless = [](int64_t, Progress& progress) {
    while (true) progress.update("working", 0, 0);
  };
  EXPECT_THROW(side_by_side(3, listener, endless), Interrupted);
  EXPECT_TRUE(listener.is_the_callers_);
}

TEST(SideBySide, WhatAPartThrowsEndsTheOthersAndLeaves) {
  const ThreeThreads three;
  const auto body = [](int64_t part, Progress& progress) {
    if (part == 2) throw DataError("of a part");
    while (true) progress.update("working", 0, 0);
  };
  EXPECT_THROW(side_by_side(3, Progress::none(), body), DataError);
}

}  // namespace
}  // namespace tvae
