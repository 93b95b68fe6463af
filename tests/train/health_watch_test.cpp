// Warnings while a run is under way (tvae/train/health_watch.h).
#include "tvae/train/health_watch.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tvae {
namespace {

struct Seen {
  int64_t step;
  double training, held_out, kl;
  RateTarget target = {50, true};
};

/// What is said of a run of 1,000 steps with these evaluations.
std::string said_of(const LossConfig& loss, const std::vector<Seen>& evaluations, int64_t total = 1000) {
  testing::internal::CaptureStderr();
  HealthWatch watch(loss);
  watch.on_train_begin(0, total, 0.0);
  for (const Seen& seen : evaluations) {
    watch.on_log(seen.step, {{"loss", 9.0}, {"cross_entropy", seen.training}});
    HeldOutEvaluation evaluation;
    evaluation.scores = {seen.held_out, 0.5, seen.kl};
    if (loss.kl.target > 0) evaluation.rate_target = seen.target;
    watch.on_evaluate(seen.step, evaluation);
  }
  return testing::internal::GetCapturedStderr();
}

LossConfig steered(double target) {
  LossConfig loss;
  loss.kl.target = target;
  return loss;
}

TEST(HealthWatch, SaysNothingOfAGoodRun) {
  EXPECT_EQ(said_of(steered(50), {{100, 2, 2.1, 110}, {400, 1, 1.1, 70}, {700, 0.9, 1.0, 51}, {1000, 0.8, 0.95, 50}}),
            "");
}

TEST(HealthWatch, TellsACollapseOnce) {
  const std::string said = said_of(LossConfig(), {{100, 3, 3, 0.1}, {300, 3, 3, 0.01}, {600, 3, 3, 0.01}});
  EXPECT_NE(said.find("the codes carry 0.01 nats a sequence, which is nothing"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  EXPECT_EQ(said_of(LossConfig(), {{30, 3, 3, 0.01}}, 50), "") << "too short to judge";
}

TEST(HealthWatch, TellsARateFarFromItsTarget) {
  EXPECT_NE(said_of(steered(50), {{900, 1, 1, 20}}).find("the code is too small"), std::string::npos);
  EXPECT_NE(said_of(steered(50), {{900, 1, 1, 90}}).find("more steps would bring that down"), std::string::npos);
  EXPECT_EQ(said_of(steered(50), {{300, 1, 1, 90}}), "") << "it is still to fall";
  EXPECT_EQ(said_of(steered(50), {{900, 1, 1, 22, {20, true}}}), "") << "it fell on, to 20";
  EXPECT_NE(said_of(steered(50), {{900, 1, 1, 10, {20, true}}}).find("10 nats a sequence where 20 are asked for"),
            std::string::npos);
}

TEST(HealthWatch, TellsTextsThatAreLearntByHeart) {
  const std::string said = said_of(
      steered(50), {{300, 1.2, 1.0, 70, {60, false}}, {600, 1.0, 1.2, 50}, {800, 0.7, 1.3, 50}, {1000, 0.5, 1.5, 50}});
  EXPECT_NE(said.find("worse than at step 600 (cross-entropy 1.5, was 1.2)"), std::string::npos) << said;
  EXPECT_EQ(said_of(steered(50), {{600, 1.0, 1.2, 50}, {1000, 1.1, 1.5, 50}}), "") << "both get worse";
}

TEST(HealthWatch, SaysNothingWhereTheRateFallsOn) {
  EXPECT_EQ(said_of(steered(50), {{500, 0.9, 0.1, 50}, {700, 0.8, 0.15, 30, {30, false}}, {900, 0.7, 0.2, 20, {20}}}),
            "");
  EXPECT_NE(said_of(steered(50), {{500, 0.9, 0.1, 50}, {700, 0.8, 0.15, 50}}).find("worse than at step 500"),
            std::string::npos)
      << "it stays";
}

}  // namespace
}  // namespace tvae
