#include "server/jobs.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tvae/base/error.h"

namespace tvae::server {
namespace {

using Json = Jobs::Json;

/// The job once it is in one of the states; fails the test where that takes too long.
Json when(const Jobs& jobs, const std::string& id, const std::vector<std::string>& states) {
  for (int i = 0; i < 2000; ++i) {
    const Json job = *jobs.describe(id);
    for (const std::string& state : states)
      if (job["state"] == state) return job;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << jobs.describe(id)->dump();
  return *jobs.describe(id);
}

TEST(Jobs, RunOneAfterTheOtherAndKeepTheirResults) {
  Jobs jobs;
  std::atomic<int> at_once = 0, most = 0;
  const auto work = [&](Progress& progress) -> Json {
    most = std::max(most.load(), ++at_once);
    progress.update("counting", 1, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    --at_once;
    return {{"answer", 42}};
  };
  const std::string a = jobs.start("evaluate", 0, work), b = jobs.start("evaluate", 1, work);
  const Json done = when(jobs, b, {"done"});
  EXPECT_EQ(done["result"]["answer"], 42);
  EXPECT_EQ(done["what"], "counting");
  EXPECT_EQ(done["total"], 2);
  EXPECT_EQ(done["model"], 1);
  EXPECT_TRUE(done["problem"].is_null());
  EXPECT_EQ((*jobs.describe(a))["state"], "done");
  EXPECT_EQ(most, 1);
  EXPECT_EQ(jobs.describe_all().size(), 2U);
  EXPECT_FALSE(jobs.describe("evaluate-3"));
}

TEST(Jobs, AreCancelledWhileTheyRunAndBefore) {
  Jobs jobs;
  const auto forever = [](Progress& progress) -> Json {
    while (true) {
      progress.update("waiting", 0, 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  };
  const std::string running = jobs.start("evaluate", 0, forever), waiting = jobs.start("evaluate", 0, forever);
  when(jobs, running, {"running"});
  EXPECT_TRUE(jobs.cancel(waiting));
  EXPECT_TRUE(jobs.cancel(running));
  when(jobs, running, {"cancelled"});
  when(jobs, waiting, {"cancelled"});
  EXPECT_FALSE(jobs.cancel("none"));
  EXPECT_TRUE(jobs.cancel(running)) << "a second time changes nothing";
}

TEST(Jobs, AFailureIsAProblemDocument) {
  Jobs jobs;
  const std::string refused = jobs.start("evaluate", 0, [](Progress&) -> Json { throw DataError("no texts"); });
  const Json job = when(jobs, refused, {"failed"});
  EXPECT_EQ(job["problem"]["detail"], "no texts");
  EXPECT_EQ(job["problem"]["status"], 422);
  const std::string broken =
      jobs.start("evaluate", 0, [](Progress&) -> Json { throw std::runtime_error("/secret/path"); });
  EXPECT_EQ(when(jobs, broken, {"failed"})["problem"]["detail"], "internal error");
}

TEST(Jobs, TheEndCancelsWhatRuns) {
  std::atomic<bool> ended = false;
  {
    Jobs jobs;
    const std::string id = jobs.start("evaluate", 0, [&](Progress& progress) -> Json {
      struct AtEnd {
        std::atomic<bool>& flag;
        ~AtEnd() { flag = true; }
      } at_end{ended};
      while (true) {
        progress.update("waiting", 0, 0);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
    when(jobs, id, {"running"});
  }
  EXPECT_TRUE(ended);
}

TEST(Jobs, OldOnesAreForgotten) {
  Jobs jobs;
  std::string last;
  for (size_t i = 0; i < Jobs::kMostRemembered + 10; ++i) {
    last = jobs.start("evaluate", 0, [](Progress&) -> Json { return nullptr; });
    when(jobs, last, {"done"});
  }
  EXPECT_LE(jobs.describe_all().size(), Jobs::kMostRemembered + 1);
  EXPECT_FALSE(jobs.describe("evaluate-1"));
  EXPECT_TRUE(jobs.describe(last));
}

}  // namespace
}  // namespace tvae::server
