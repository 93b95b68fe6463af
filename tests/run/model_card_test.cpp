#include "tvae/run/model_card.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(ModelCard, NewScoresReplaceOldOnesAndNothingElse) {
  const std::string card = "# A model\n\n- steps: 10\n", more = "\n## Licence\n\nMIT\n";
  const std::string scored = with_scores(card, {"about", "  n  5"});
  EXPECT_EQ(scored.find(card), 0u);
  EXPECT_NE(scored.find("```\nabout\n  n  5\n```\n"), std::string::npos);
  EXPECT_EQ(without_scores(scored + more), card + more);
  const std::string again = with_scores(scored + more, {"about", "  n  6"});
  EXPECT_EQ(again.find("n  5"), std::string::npos);
  EXPECT_LT(again.find("n  6"), again.find("Licence"));
  EXPECT_EQ(with_scores(again, {"about", "  n  5"}), scored + more);
  EXPECT_EQ(without_scores(card), card);
}

}  // namespace
}  // namespace tvae
