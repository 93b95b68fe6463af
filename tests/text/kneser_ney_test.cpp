// The n-gram model (tvae/text/kneser_ney.h).
#include "tvae/text/kneser_ney.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tvae/base/error.h"

namespace tvae {
namespace {

constexpr int32_t kEnd = 0;

/// Sequences in which each id but the first few depends on the two before it, and all end with kEnd.
KneserNey::Sequences made_up(int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  KneserNey::Sequences all;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int32_t> ids = {static_cast<int32_t>(1 + random() % 9), static_cast<int32_t>(1 + random() % 9)};
    const size_t length = 5 + random() % 10;
    while (ids.size() < length)
      ids.push_back(static_cast<int32_t>(1 + (ids[ids.size() - 1] + 2 * ids[ids.size() - 2] + random() % 2) % 9));
    ids.push_back(kEnd);
    all.push_back(std::move(ids));
  }
  return all;
}

double mean_nats(const KneserNey& model, const KneserNey::Sequences& sequences) {
  double sum = 0;
  size_t count = 0;
  for (const auto& sequence : sequences)
    for (const double nats : model.nats(sequence)) {
      sum += nats;
      ++count;
    }
  return sum / static_cast<double>(count);
}

TEST(KneserNey, ProbabilitiesSumToOneAfterWhateverCameBefore) {
  const KneserNey model(made_up(200, 1), {.order = 4, .vocabulary = 12});
  for (const std::vector<int32_t>& before : std::vector<std::vector<int32_t>>{{},
                                                                              {model.begin()},
                                                                              {model.begin(), 3},
                                                                              {1, 2, 3},
                                                                              {11, 11},
                                                                              {4, 11},
                                                                              {11, 4},
                                                                              {1, 2, 3, 4, 5, 6},
                                                                              {kEnd}}) {
    double sum = 0;
    for (int32_t id = 0; id < 12; ++id) {
      const double p = model.probability(before, id);
      EXPECT_GT(p, 0);
      sum += p;
    }
    EXPECT_NEAR(sum, 1, 1e-12) << before.size();
  }
}

// "a b c" and "a b d" by hand: order 2, counts too few for the formula, so half a count is taken.
TEST(KneserNey, SmallCaseByHand) {
  const KneserNey model({{1, 2, 3}, {1, 2, 4}}, {.order = 2, .vocabulary = 5});
  // Bigrams: ^1 x 2, 12 x 2, 23, 24; so 1, 2, 3 and 4 follow one id each.
  const double unigram = (1 - 0.5 + 4 * 0.5 * (1.0 / 5)) / 4;
  EXPECT_NEAR(model.probability({}, 3), unigram, 1e-15);
  const std::vector<int32_t> after_two = {2};
  EXPECT_NEAR(model.probability(after_two, 3), (1 - 0.5 + 2 * 0.5 * unigram) / 2, 1e-15);
  const std::vector<int32_t> after_one = {1};
  EXPECT_NEAR(model.probability(after_one, 2), (2 - 0.5 + 0.5 * unigram) / 2, 1e-15);
  EXPECT_NEAR(model.probability(after_one, 3), 0.5 * unigram / 2, 1e-15);
}

TEST(KneserNey, TellsTextsFromShuffledAndRepeatedOnes) {
  const KneserNey model(made_up(2000, 1), {.vocabulary = 10});
  const KneserNey::Sequences fresh = made_up(200, 2);
  KneserNey::Sequences shuffled = fresh, random = fresh;
  std::mt19937_64 generator(3);
  for (auto& sequence : shuffled) std::shuffle(sequence.begin(), sequence.end() - 1, generator);
  for (auto& sequence : random)
    for (int32_t& id : sequence) id = static_cast<int32_t>(generator() % 10);
  const double own = mean_nats(model, fresh);
  EXPECT_LT(own, 1.3);  // ln 2 for most ids, ln 9 for two of a sequence, and its end
  EXPECT_GT(mean_nats(model, shuffled), own + 0.5);
  EXPECT_GT(mean_nats(model, random), own + 0.5);
}

TEST(KneserNey, CountsTheFirstTokensAndNeedsSome) {
  const KneserNey few({{1, 2}, {3, 3}}, {.order = 2, .vocabulary = 4, .most_tokens = 1});
  EXPECT_NEAR(few.probability({}, 3), few.probability({}, 0), 1e-15) << "neither was counted";
  EXPECT_THROW(KneserNey({{}}, {.vocabulary = 4}), DataError);
}

}  // namespace
}  // namespace tvae
