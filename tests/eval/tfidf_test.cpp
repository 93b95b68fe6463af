#include "tvae/eval/tfidf.h"

#include <gtest/gtest.h>

#include "tests/support/fixture.h"

namespace tvae {
namespace {

// The texts of tools/make_fixtures.py.
const std::vector<std::string> kTexts = {
    "The cat sat on the mat.", "the dog, the DOG and a cat", "x = [i for i in range(10)]",
    "Été à naïve café",        "don't stop-me now_2",        "!?",
    "one one one two"};
const std::vector<std::string> kQuery = {"the café cat is new", "unseen words only"};

torch::Tensor dense(const std::vector<FeatureRow>& rows, int64_t columns) {
  torch::Tensor matrix = torch::zeros({static_cast<int64_t>(rows.size()), columns}, at::kDouble);
  for (size_t row = 0; row < rows.size(); ++row)
    for (const auto& [column, value] : rows[row]) matrix[static_cast<int64_t>(row)][column] = value;
  return matrix;
}

TEST(TfIdf, IsScikitLearns) {
  const test::Fixture fixture("probes");
  const TfIdf tfidf(kTexts);
  ASSERT_EQ(tfidf.words(), fixture["tfidf.train"].size(1));
  // Both in fp64: a few roundings.
  EXPECT_LT((dense(tfidf.rows(kTexts), tfidf.words()) - fixture["tfidf.train"]).abs().max().item<double>(), 1e-14);
  EXPECT_LT((dense(tfidf.rows(kQuery), tfidf.words()) - fixture["tfidf.query"]).abs().max().item<double>(), 1e-14);
}

TEST(TfIdf, WordsAreRunsOfTwoCharactersOrMoreInLowerCase) {
  EXPECT_EQ(words_of("Don't STOP-me now_2, a b ÉTÉ 10% Ωμέγα"),
            (std::vector<std::string>{"don", "stop", "me", "now_2", "été", "10", "ωμέγα"}));
  EXPECT_EQ(words_of(""), std::vector<std::string>{});
}

TEST(TfIdf, TextsWithoutKnownWordsAreEmptyRows) {
  EXPECT_EQ(TfIdf({"a b", "!"}).words(), 0);
  EXPECT_EQ(TfIdf({"some words"}).rows({"others", "some others"}), (std::vector<FeatureRow>{{}, {{0, 1.0}}}));
}

}  // namespace
}  // namespace tvae
