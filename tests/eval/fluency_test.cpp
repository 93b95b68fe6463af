// Known cases of fluency: real texts, the same shuffled, texts that repeat, texts that are all alike.
#include "tvae/eval/fluency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tvae {
namespace {

using Sequences = FluencyJudge::Sequences;

constexpr int64_t kWords = 60;
constexpr int32_t kEnd = kWords - 1;

double ratio(const torch::Tensor& rows) {
  return (rows.sum(0)[0] / rows.sum(0)[1]).item<double>();
}

/// Sentences of a language in which few words can follow each word.
Sequences sentences(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  Sequences all;
  for (size_t i = 0; i < count; ++i) {
    std::vector<int32_t> words = {static_cast<int32_t>(random() % 10)};
    while (words.size() < 12) words.push_back(static_cast<int32_t>((7 * words.back() + 1 + random() % 3) % kEnd));
    words.push_back(kEnd);
    all.push_back(std::move(words));
  }
  return all;
}

class Fluency : public testing::Test {
 protected:
  double fluency(const Sequences& texts) const { return judge_.held_out_nats() / ratio(judge_.nats(texts)); }

  const Sequences held_out_ = sentences(300, 2);
  const FluencyJudge judge_{sentences(2000, 1), held_out_, kWords};
};

TEST_F(Fluency, OtherRealTextsReadLikeThem) {
  const Sequences others = sentences(300, 3);
  EXPECT_NEAR(fluency(others), 1.0, 0.05);
  EXPECT_NEAR(judge_.reverse(others), 1.0, 0.05);
  EXPECT_EQ(fluency(held_out_), 1.0);
}

TEST_F(Fluency, ShuffledWordsDoNot) {
  Sequences shuffled = sentences(300, 3);
  std::mt19937_64 random(4);
  for (std::vector<int32_t>& text : shuffled) std::shuffle(text.begin(), text.end() - 1, random);
  EXPECT_LT(fluency(shuffled), 0.5);
  EXPECT_LT(judge_.reverse(shuffled), 0.6);
}

TEST_F(Fluency, OneTextOverAndOverIsFluentAndTeachesNothing) {
  const Sequences alike(300, held_out_.front());
  EXPECT_GT(fluency(alike), 0.8);
  EXPECT_LT(judge_.reverse(alike), 0.5);
  EXPECT_LT(distinct_ngrams(alike, 2, 3900), 0.01);
  EXPECT_GT(distinct_ngrams(held_out_, 2, 3900), 0.03);
}

TEST_F(Fluency, RepeatedWordsAreCounted) {
  const Sequences loops = {{5, 6, 5, 6, 5, 6, kEnd}, {4, 4, 4, 4, kEnd}};
  const torch::Tensor repeated = repeated_pairs(loops);
  EXPECT_EQ(repeated[0][0].item<double>(), 3.0) << "of (5 6) (6 5) (5 6) (6 5) (5 6) (6 end)";
  EXPECT_EQ(repeated[0][1].item<double>(), 6.0);
  EXPECT_EQ(repeated[1][0].item<double>(), 2.0);
  EXPECT_LT(fluency(loops), 0.5);
  EXPECT_EQ(repeated_pairs({{}, {1}}).sum().item<double>(), 0.0);
}

TEST_F(Fluency, DistinctNgramsAreOfTheFirstTokens) {
  EXPECT_EQ(distinct_ngrams({{1, 1, 2}, {1, 1, 2}}, 1, 100), 2.0 / 6);
  EXPECT_EQ(distinct_ngrams({{1, 1, 2}, {1, 1, 2}}, 1, 3), 2.0 / 3);
  EXPECT_EQ(distinct_ngrams({{1}}, 2, 100), 0.0);
}

}  // namespace
}  // namespace tvae
