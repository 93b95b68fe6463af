#include "apps/progress_bar.h"

#include <gtest/gtest.h>

#include <functional>

#include "tvae/base/log.h"

namespace tvae::apps {
namespace {

TEST(ProgressBar, Descriptions) {
  EXPECT_EQ(describe({{"loss", 2.34567}, {"tokens_per_second", 12345.6}}), "loss 2.346  tokens_per_second 12346");
  EXPECT_EQ(describe({}), "");
  EXPECT_EQ(describe_duration(3.4), "3s");
  EXPECT_EQ(describe_duration(125), "2m05s");
  EXPECT_EQ(describe_duration(4020), "1h07m");
  EXPECT_EQ(describe_duration(-1), "0s");
}

std::string printed(const std::function<void(ProgressBar&)>& what) {
  // Capturing replaces stderr by a file, so that it is no terminal.
  testing::internal::CaptureStderr();
  {
    ProgressBar bar;
    what(bar);
  }
  return testing::internal::GetCapturedStderr();
}

TEST(ProgressBar, PlainLinesWithoutATerminal) {
  const std::string text = printed([](ProgressBar& bar) {
    bar.on_train_begin(2, 10, 2.0);
    bar.on_step_end(3);
    bar.on_log(4, {{"loss", 90.0}, {"cross_entropy", 2.345}, {"kl", 78.2}, {"kl_target", 58.0}});
  });
  EXPECT_EQ(text, "step 4 of 10: 40%, 3s left, 2.3 nats a token, rate 78 (target 58)\n");
}

TEST(ProgressBar, ARunThatIsResumedKnowsItsPace) {
  const std::string text = printed([](ProgressBar& bar) {
    bar.on_train_begin(50, 100, 500.0);
    bar.on_log(50, {{"cross_entropy", 1.0}});
  });
  EXPECT_NE(text.find("8m20s left"), std::string::npos) << text;
}

TEST(ProgressBar, AnEvaluationShowsARowAndAPath) {
  HeldOutEvaluation evaluation;
  evaluation.scores.token_accuracy = 0.914;
  evaluation.preview.interpolation = {{-10, "the first\nrow", {}}};
  for (int i = 0; i <= 10; ++i) evaluation.preview.interpolation.push_back({i / 10.0, "at " + std::to_string(i), {}});
  evaluation.preview.interpolation.push_back({10, std::string(200, 'x'), {}});
  const std::string text = printed([&](ProgressBar& bar) {
    bar.on_train_begin(0, 10, 0.0);
    bar.on_evaluate(5, evaluation);
  });
  EXPECT_EQ(text,
            "step 5 of 10, held out: 50%, 0s left, 91% of tokens right\n"
            "  text  the first row\n  back  at 0\n   0.3  at 3\n   0.5  at 5\n   0.7  at 7\n  back  at 10\n"
            "  text  " +
                std::string(71, 'x') + "…\n");
}

TEST(ProgressBar, QuietPrintsNothing) {
  set_log_level(LogLevel::kQuiet);
  testing::internal::CaptureStderr();
  {
    ProgressBar bar;
    bar.on_train_begin(0, 10, 0.0);
    bar.on_log(4, {{"loss", 2.0}});
  }
  const std::string printed = testing::internal::GetCapturedStderr();
  set_log_level(LogLevel::kNormal);
  EXPECT_EQ(printed, "");
}

}  // namespace
}  // namespace tvae::apps
