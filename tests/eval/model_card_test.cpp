#include "tvae/eval/model_card.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(ModelCard, NewScoresReplaceOldOnes) {
  const std::string card = "# A model\n\n- steps: 10\n";
  const std::string scored = with_scores(card, {"about", "  n  5"});
  EXPECT_EQ(scored.find(card), 0u);
  EXPECT_NE(scored.find("```\nabout\n  n  5\n```\n"), std::string::npos);
  EXPECT_EQ(without_scores(scored), card);
  EXPECT_EQ(with_scores(scored, {"about", "  n  5"}), scored);
  EXPECT_EQ(without_scores(card), card);
}

}  // namespace
}  // namespace tvae
