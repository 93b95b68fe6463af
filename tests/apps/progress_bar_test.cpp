#include "apps/progress_bar.h"

#include <gtest/gtest.h>

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

TEST(ProgressBar, PlainLinesWithoutATerminal) {
  // Capturing replaces stderr by a file, so that it is no terminal.
  testing::internal::CaptureStderr();
  {
    ProgressBar bar;
    bar.on_train_begin(2, 10);
    bar.on_step_end(3);
    bar.on_log(4, {{"loss", 2.0}});
  }
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(printed.starts_with("step 4/10  loss 2  ")) << printed;
  EXPECT_TRUE(printed.ends_with(" left\n")) << printed;
  EXPECT_EQ(printed.find('\r'), std::string::npos);
}

TEST(ProgressBar, QuietPrintsNothing) {
  set_log_level(LogLevel::kQuiet);
  testing::internal::CaptureStderr();
  {
    ProgressBar bar;
    bar.on_train_begin(0, 10);
    bar.on_log(4, {{"loss", 2.0}});
  }
  const std::string printed = testing::internal::GetCapturedStderr();
  set_log_level(LogLevel::kNormal);
  EXPECT_EQ(printed, "");
}

}  // namespace
}  // namespace tvae::apps
