#include "tvae/run/model_card.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace tvae {
namespace {

RunRecord record(int64_t steps) {
  RunRecord record;
  record.training.steps = steps;
  return record;
}

TEST(ModelCard, IsRenderedAnewAndKeepsWhatStandsAroundIt) {
  const std::string card = model_card(record(10));
  EXPECT_EQ(card.find("# A Transformer-VAE\n\n<!-- "), 0u) << card;
  EXPECT_NE(card.find("- steps: 10\n"), std::string::npos);
  EXPECT_EQ(card.find("Scores"), std::string::npos);
  EXPECT_FALSE(is_own_card(card));
  EXPECT_FALSE(is_own_card("")) << "there is none";

  const std::string before = "# Mine\r\n\r\nOf birds.\r\n", after = "\n## Licence\n\nMIT\n";
  const std::string part = card.substr(card.find("<!-- "));
  const std::string own = before + part + after;
  const std::string scored = model_card(record(20), {{"It is good."}, {"about", "  n  5"}}, own);
  EXPECT_EQ(scored.find(before + "<!-- "), 0u) << scored;
  EXPECT_TRUE(scored.ends_with(after)) << scored;
  EXPECT_NE(scored.find("- steps: 20\n"), std::string::npos);
  EXPECT_EQ(scored.find("- steps: 10\n"), std::string::npos);
  EXPECT_NE(
      scored.find("\n## Scores\n\nOn held-out texts; [ ] are 95% intervals.\n\n```\nabout\n  n  5\n```\n<!-- end"),
      std::string::npos)
      << scored;
  EXPECT_EQ(model_card(record(10), {}, scored), own) << "nothing of the old part is left";
}

TEST(ModelCard, SaysHowWeightsWereRounded) {
  RunRecord rounded = record(10);
  EXPECT_EQ(model_card(rounded).find("rounded"), std::string::npos);
  rounded.weights = "fp16, int8";
  EXPECT_NE(model_card(rounded).find("\nIts weights were rounded to fp16.\n\nIts weights were rounded to int8.\n"),
            std::string::npos);
}

TEST(ModelCard, WithoutMarksIsLeftAlone) {
  const test::TemporaryFolder folder;
  write_model_card(folder.path(), record(10));
  EXPECT_EQ(folder.get("README.md"), model_card(record(10)));
  folder.put("README.md", "# Mine\n" + folder.get("README.md"));
  write_model_card(folder.path(), record(20));
  EXPECT_EQ(folder.get("README.md"), "# Mine\n" + model_card(record(20)));
  folder.put("README.md", "# Mine\n");
  write_model_card(folder.path(), record(30));
  EXPECT_EQ(folder.get("README.md"), "# Mine\n");
  EXPECT_TRUE(is_own_card(read_model_card(folder.path())));
}

}  // namespace
}  // namespace tvae
