#include "tvae/plan/plan.h"

#include <gtest/gtest.h>

#include "tvae/base/error.h"

namespace tvae {
namespace {

constexpr int64_t kMiB = 1 << 20;

PlanRequest request(int64_t mean_tokens = 0, std::vector<std::string> assignments = {}) {
  assignments.insert(assignments.end(), {"model.vocab_size=300", "model.d_model=32"});
  return make_plan_request(resolve_config({"lines_small"}, assignments), torch::kCPU, mean_tokens);
}

/// Measures what `bytes` says, and remembers the batches.
MeasureBatch measuring(std::vector<int64_t>& batches, const std::function<std::optional<int64_t>(int64_t)>& bytes) {
  return [&batches, bytes](int64_t batch) -> std::optional<MeasuredMemory> {
    batches.push_back(batch);
    const auto found = bytes(batch);
    if (!found) return std::nullopt;
    return MeasuredMemory{*found / 2, *found * 3, *found};
  };
}

TEST(Plan, FindsTheLargestBatchAndItsParts) {
  const PlanRequest planned = request();
  EXPECT_EQ(planned.length, 64);
  const Plan plan = make_plan(planned, {.memory = planned.program + 64 * kMiB});
  ASSERT_GT(plan.batch, 0);
  int64_t sum = 0;
  for (const MemoryShare& share : plan.shares) sum += share.bytes;
  EXPECT_EQ(plan.total, sum);
  EXPECT_LE(plan.total, planned.program + 64 * kMiB);
  EXPECT_GT(make_plan(planned, {.batch = plan.batch + 1}).total, planned.program + 64 * kMiB);
  EXPECT_TRUE(plan.remedies.empty() && plan.activation_sizes.empty() && !plan.measured);
  EXPECT_FALSE(make_plan(planned, {.batch = 2, .activation_sizes = true}).activation_sizes.empty());
}

TEST(Plan, MeasuresFromThePredictionOn) {
  std::vector<int64_t> batches;
  const PlanRequest planned = request();
  const int64_t memory = planned.program + 64 * kMiB;
  const Plan plan = make_plan(planned, {.memory = memory, .measure = measuring(batches, [&](int64_t batch) {
                                                            return std::optional<int64_t>(memory / 100 * batch);
                                                          })});
  ASSERT_TRUE(plan.measured && plan.measured->memory);
  EXPECT_EQ(batches.front(), plan.batch);
  EXPECT_NEAR(static_cast<double>(plan.measured->batch), 100.0, 5.0);
  EXPECT_EQ(plan.measured->charged, plan.measured->memory->resident) << "on the CPU";
  EXPECT_EQ(plan.measured->predicted, make_plan(planned, {.batch = plan.measured->batch}).total);
}

TEST(Plan, ABatchThatIsAskedForFitsOrNot) {
  std::vector<int64_t> batches;
  const auto nothing = [](int64_t) { return std::optional<int64_t>(); };
  const Plan plan = make_plan(request(), {.batch = 7, .measure = measuring(batches, nothing)});
  EXPECT_EQ(batches, std::vector<int64_t>{7});
  ASSERT_TRUE(plan.measured);
  EXPECT_EQ(plan.measured->batch, 0);
  EXPECT_FALSE(plan.measured->memory);
}

TEST(Plan, RemediesAreSettingsThatTakeLess) {
  const PlanRequest planned = request();
  const Plan plan = make_plan(planned, {.memory = kMiB});
  EXPECT_EQ(plan.batch, 0);
  ASSERT_GT(plan.remedies.size(), 1u);
  size_t settings = 0;
  for (const PlanRemedy& remedy : plan.remedies) {
    EXPECT_LT(remedy.bytes, plan.total);
    PlanRequest changed = planned;
    for (const auto& [key, value] : remedy.settings) set_field(changed.config, key, value);
    EXPECT_EQ(make_plan(changed, {.batch = 1}).total, remedy.bytes);
    if (&remedy != &plan.remedies.back()) settings += remedy.settings.size();
  }
  EXPECT_EQ(plan.remedies.back().settings.size(), settings) << "all of them together come last";
}

TEST(Plan, SpeaksNoFlags) {
  const PlanRequest planned = make_plan_request(resolve_config({}, {}), torch::kCPU);
  EXPECT_EQ(planned.config.model.vocab_size, 32128) << "T5's is assumed";
  for (const std::string& note : planned.notes) EXPECT_EQ(note.find("--"), std::string::npos) << note;
  try {
    request(65);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "mean tokens of a sequence: got 65, expected at most data.max_tokens, 64");
  }
  EXPECT_EQ(request(16).length, 16);
}

}  // namespace
}  // namespace tvae
