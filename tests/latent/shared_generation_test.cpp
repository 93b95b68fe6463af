#include "tvae/latent/shared_generation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

/// A decoder whose output says which code it is of, and that knows how many codes came together.
struct Fake {
  std::mutex mutex;
  std::vector<int64_t> batches;
  std::atomic<int> at_once = 0, most_at_once = 0;
  std::atomic<bool> hold = false;  // does not end while this is set

  SharedGeneration::Generate function() {
    return [this](const Tensor& codes, const GenerationOptions&, Progress& progress) {
      most_at_once = std::max(most_at_once.load(), ++at_once);
      struct Leave {
        std::atomic<int>& count;
        ~Leave() { --count; }
      } leave{at_once};
      {
        const std::lock_guard lock(mutex);
        batches.push_back(codes.size(0));
      }
      do {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        progress.update("decoding", 0, codes.size(0));
      } while (hold);
      std::vector<Generated> outputs;
      for (int64_t i = 0; i < codes.size(0); ++i)
        outputs.push_back({.ids = {static_cast<int32_t>(codes[i][0][0].item<float>())}});
      return outputs;
    };
  }
};

Tensor code_of(int number, int64_t rows = 1) {
  return at::full({rows, 1, 1}, number, at::kFloat) + at::arange(rows, at::kFloat).view({rows, 1, 1});
}

TEST(SharedGeneration, GivesEveryThreadItsOwnOutputsInOrder) {
  Fake fake;
  SharedGeneration shared(fake.function(), 2);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int thread = 0; thread < 16; ++thread)
    threads.emplace_back([&, thread] {
      for (int turn = 0; turn < 5; ++turn) {
        const auto outputs = shared(code_of(100 * thread, 3), {}, Progress::none());
        right += outputs.size() == 3 && outputs[0].ids[0] == 100 * thread && outputs[2].ids[0] == 100 * thread + 2;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 16 * 5);
  EXPECT_LE(fake.most_at_once, 2);
  EXPECT_LT(fake.batches.size(), 16U * 5U) << "some were decoded together";
}

TEST(SharedGeneration, WhatWaitsIsDecodedTogetherUpToTheMost) {
  Fake fake;
  fake.hold = true;
  SharedGeneration shared(fake.function(), 1, /*most_rows=*/8);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 10; ++thread)
    threads.emplace_back([&, thread] { shared(code_of(thread, 2), {}, Progress::none()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  fake.hold = false;
  for (std::thread& thread : threads) thread.join();
  int64_t rows = 0;
  for (const int64_t batch : fake.batches) {
    EXPECT_LE(batch, 8);
    rows += batch;
  }
  EXPECT_EQ(rows, 20);
  EXPECT_LE(fake.batches.size(), 6U);
}

TEST(SharedGeneration, OneThatLeavesDisturbsNobody) {
  Fake fake;
  fake.hold = true;
  SharedGeneration shared(fake.function(), 1);
  StopFlag stop;
  std::atomic<int> left = 0, done = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread)
    threads.emplace_back([&, thread] {
      try {
        const auto outputs =
            shared(code_of(thread), {}, thread % 2 == 0 ? static_cast<Progress&>(stop) : Progress::none());
        done += outputs[0].ids[0] == thread;
      } catch (const Interrupted&) {
        ++left;
      }
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  stop.stop();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  fake.hold = false;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(left, 3);
  EXPECT_EQ(done, 3);
}

TEST(SharedGeneration, WorkThatNobodyWaitsForEnds) {
  Fake fake;
  fake.hold = true;  // for good
  SharedGeneration shared(fake.function(), 1);
  StopFlag stop;
  stop.stop();
  EXPECT_THROW(shared(code_of(1), {}, stop), Interrupted);
}

TEST(SharedGeneration, AFailureIsToldToAllWhoseCodesWereInIt) {
  SharedGeneration shared(
      [](const Tensor&, const GenerationOptions&, Progress&) -> std::vector<Generated> { throw DataError("no"); }, 1);
  EXPECT_THROW(shared(code_of(1), {}, Progress::none()), DataError);
  EXPECT_THROW(shared(code_of(2), {}, Progress::none()), DataError) << "and the next one is not stuck";
}

TEST(SharedGeneration, WhatIsDrawnIsDecodedAlone) {
  Fake fake;
  SharedGeneration shared(fake.function(), 1);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] { shared(code_of(thread), {.sample = true}, Progress::none()); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fake.batches, (std::vector<int64_t>{1, 1, 1, 1}));
}

}  // namespace
}  // namespace tvae
