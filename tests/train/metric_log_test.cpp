#include "tvae/train/metric_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "tests/support/temporary_folder.h"

namespace tvae {
namespace {

TEST(MetricLog, WritesALineAStep) {
  const test::TemporaryFolder folder;
  MetricLog log(folder.path("logs"), 0);
  log.write(50, {{"loss", 2.5}, {"tokens", 12000.0}, {"bad", std::numeric_limits<double>::quiet_NaN()}});
  log.write(100, {{"loss", 0.1}});
  EXPECT_EQ(folder.get("logs/metrics.jsonl"),
            "{\"step\":50,\"loss\":2.5,\"tokens\":12000,\"bad\":null}\n{\"step\":100,\"loss\":0.1}\n");
}

TEST(MetricLog, AnInterruptedRunEndsUpWithTheLinesOfAnUninterruptedOne) {
  const test::TemporaryFolder folder;
  {
    MetricLog log(folder.path(), 0);
    for (int64_t step = 1; step <= 5; ++step) log.write(step, {{"loss", 1.0 / static_cast<double>(step)}});
  }
  const std::string uninterrupted = folder.get("metrics.jsonl");
  for (const int64_t saved : {0, 3, 5}) {
    MetricLog log(folder.path(), saved);
    for (int64_t step = saved + 1; step <= 5; ++step) log.write(step, {{"loss", 1.0 / static_cast<double>(step)}});
    EXPECT_EQ(folder.get("metrics.jsonl"), uninterrupted) << "resumed at " << saved;
  }
}

TEST(MetricLog, RemovesATornLastLine) {
  const test::TemporaryFolder folder;
  // Even one that is whole but for its end of line: its number may be cut short.
  for (const char* torn : {"{\"step\":2,\"lo", "{\"step\":2}", "{\"st\n", "\n"}) {
    folder.put("metrics.jsonl", std::string("{\"step\":1,\"loss\":3}\n") + torn);
    MetricLog log(folder.path(), 2);
    log.write(3, {{"loss", 1.5}});
    EXPECT_EQ(folder.get("metrics.jsonl"), "{\"step\":1,\"loss\":3}\n{\"step\":3,\"loss\":1.5}\n");
  }
}

TEST(MetricLog, WritesTensorBoardEventsBeside) {
  const test::TemporaryFolder folder;
  { MetricLog(folder.path(), 0).write(1, {{"loss", 2.0}}); }
  { MetricLog(folder.path(), 1).write(2, {{"loss", 1.0}}); }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    files += entry.path().filename().string().starts_with("events.out.tfevents.");
  EXPECT_EQ(files, 2);
}

TEST(MetricLog, PreviewsAreTablesAndAPicture) {
  const test::TemporaryFolder folder;
  Preview preview;
  preview.interpolation = {{-10, "a|b\nc", true}, {0.5, "\xFF", false}};
  preview.samples = {{0, "x", std::nullopt}};
  preview.strip = Picture{2, 1, {0, 255}};
  MetricLog(folder.path(), 0).write(7, preview);
  EXPECT_EQ(folder.get("interpolations.jsonl"),
            "{\"step\":7,\"rows\":[{\"ratio\":-10.0,\"text\":\"a|b\\nc\",\"valid\":true},"
            "{\"ratio\":0.5,\"text\":\"\xEF\xBF\xBD\",\"valid\":false}]}\n");
  EXPECT_EQ(folder.get("samples.jsonl"), "{\"step\":7,\"rows\":[{\"text\":\"x\",\"valid\":null}]}\n");
  EXPECT_EQ(folder.get("images/interpolation-00000007.png").substr(1, 3), "PNG");
  std::string events;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    if (entry.path().filename().string().starts_with("events")) events = folder.get(entry.path().filename());
  EXPECT_NE(events.find("| -10 | <code>a&#124;b<br>c</code> | yes |"), std::string::npos);
  EXPECT_NE(events.find("image_interpolation"), std::string::npos);
}

}  // namespace
}  // namespace tvae
