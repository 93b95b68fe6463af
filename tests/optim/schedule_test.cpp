#include "tvae/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace tvae {
namespace {

TrainConfig with(const std::string& schedule) {
  TrainConfig config;
  config.schedule = schedule;
  config.warmup_steps = 4;
  return config;
}

TEST(Schedule, RisesFromZeroThenFallsAsTransformersDoes) {
  for (const char* name : {"constant", "linear", "cosine"}) {
    EXPECT_EQ(learning_rate_factor(with(name), 0, 12), 0.0) << name;
    EXPECT_EQ(learning_rate_factor(with(name), 1, 12), 0.25) << name;
    EXPECT_EQ(learning_rate_factor(with(name), 4, 12), 1.0) << name;
  }
  EXPECT_EQ(learning_rate_factor(with("constant"), 11, 12), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_factor(with("linear"), 10, 12), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_factor(with("cosine"), 10, 12), 0.5 * (1.0 + std::cos(0.75 * std::numbers::pi)));
}

}  // namespace
}  // namespace tvae
