#include "tvae/eval/text_statistics.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(TextStatistics, DistancesCountCharactersNotBytes) {
  EXPECT_EQ(edit_distance(characters("kitten"), characters("sitting")), 3);
  EXPECT_EQ(edit_distance(characters("é"), characters("è")), 1);
  EXPECT_DOUBLE_EQ(normalised_distance("aéb", "aèb"), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(normalised_distance("", "abc"), 1.0);
  EXPECT_DOUBLE_EQ(normalised_distance("", ""), 0.0);
}

TEST(TextStatistics, WassersteinByHand) {
  EXPECT_DOUBLE_EQ(wasserstein_distance({1, 2, 3}, {3, 1, 2}), 0.0);
  EXPECT_DOUBLE_EQ(wasserstein_distance({0, 1}, {1, 2}), 1.0);
  EXPECT_DOUBLE_EQ(wasserstein_distance({0}, {0, 10}), 5.0);
  EXPECT_DOUBLE_EQ(wasserstein_distance({0, 0, 0, 4}, {1}), 1.5);
  EXPECT_DOUBLE_EQ(wasserstein_distance({1}, {0, 0, 0, 4}), 1.5);
}

TEST(TextStatistics, NgramDivergenceByHand) {
  EXPECT_DOUBLE_EQ(ngram_divergence({"abc", "d"}, {"d", "abc"}), 0.0);
  // With a beginning and an end, "a" and "b" share two of three 1-grams and nothing longer: (1/3 + 1 + 1) / 3.
  EXPECT_DOUBLE_EQ(ngram_divergence({"a"}, {"b"}), 7.0 / 9.0);
  EXPECT_DOUBLE_EQ(ngram_divergence({""}, {""}), 0.0);
  EXPECT_DOUBLE_EQ(ngram_divergence({"ab", "cd"}, {"ab", "xy"}), ngram_divergence({"ab", "xy"}, {"ab", "cd"}));
}

TEST(TextStatistics, AnEvenPathIsSmooth) {
  const PathShape shape = path_shape({"aaaa", "aaab", "aabb", "abbb", "bbbb"});
  EXPECT_DOUBLE_EQ(shape.smoothness, 1.0);
  EXPECT_DOUBLE_EQ(shape.largest_step, 0.25);
  EXPECT_EQ(shape.distinct, 3);
  EXPECT_EQ(shape.steps, 4);
  EXPECT_EQ(shape.monotonic_steps, 4);
}

TEST(TextStatistics, AJumpShowsInTheLargestStep) {
  const PathShape shape = path_shape({"aaaa", "aaaa", "bbbb", "bbbb"});
  EXPECT_DOUBLE_EQ(shape.smoothness, 1.0);
  EXPECT_DOUBLE_EQ(shape.largest_step, 1.0);
  EXPECT_EQ(shape.distinct, 2);
  EXPECT_EQ(shape.steps, 1);
}

TEST(TextStatistics, ADetourIsNeitherSmoothNorMonotonic) {
  const PathShape shape = path_shape({"aaaa", "aabb", "aaaa", "aabb"});
  EXPECT_DOUBLE_EQ(shape.smoothness, 1.0 / 3.0);
  EXPECT_EQ(shape.steps, 3);
  EXPECT_EQ(shape.monotonic_steps, 2);
}

TEST(TextStatistics, APathThatNeverMovesIsNotSmooth) {
  const PathShape shape = path_shape({"a", "a", "a"});
  EXPECT_EQ(shape.smoothness, 0.0);
  EXPECT_EQ(shape.steps, 0);
  EXPECT_EQ(shape.distinct, 1);
}

}  // namespace
}  // namespace tvae
