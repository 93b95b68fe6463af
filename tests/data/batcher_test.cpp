#include "tvae/data/batcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tvae/base/error.h"
#include "tvae/base/random.h"

namespace tvae {
namespace {

/// Sequences of 2 to 41 byte tokens, short ones more often.
TokenDataset dataset(int64_t count) {
  static const Tokenizer tokenizer = train_tokenizer({"x"}, {.kind = "byte"});
  PortableRandom random(7);
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count; ++i)
    texts.push_back(std::string(1 + std::min(random.below(40), random.below(40)), static_cast<char>('a' + i % 26)));
  return TokenDataset::from_texts(texts, tokenizer, {});
}

std::vector<TokenBatch> epoch_of(Batcher& batcher) {
  std::vector<TokenBatch> batches;
  for (int64_t i = batcher.batches_per_epoch(); i > 0; --i) batches.push_back(batcher.next());
  return batches;
}

std::vector<int64_t> rows_of(const std::vector<TokenBatch>& batches) {
  std::vector<int64_t> rows;
  for (const TokenBatch& batch : batches) rows.insert(rows.end(), batch.rows.begin(), batch.rows.end());
  return rows;
}

TEST(Batcher, EverySequenceOnceAnEpoch) {
  for (const int64_t count : {1, 2, 31, 32, 33, 500})
    for (const bool shuffle : {true, false})
      for (const int64_t tokens : {0, 1, 300, 1 << 20}) {
        Batcher batcher(dataset(count), {.batch_tokens = tokens, .shuffle = shuffle});
        for (int epoch = 0; epoch < 2; ++epoch) {
          std::vector<int64_t> rows = rows_of(epoch_of(batcher));
          std::sort(rows.begin(), rows.end());
          ASSERT_EQ(static_cast<int64_t>(rows.size()), count);
          for (int64_t i = 0; i < count; ++i) ASSERT_EQ(rows[i], i);
          ASSERT_EQ(batcher.position(), (BatchPosition{epoch + 1, 0}));
        }
      }
}

TEST(Batcher, BatchesHoldTheirSequences) {
  const TokenDataset data = dataset(100);
  Batcher batcher(data, {.batch_size = 8});
  for (const TokenBatch& batch : epoch_of(batcher)) {
    size_t start = 0;
    for (const int64_t row : batch.rows) {
      const auto expected = data.sequence(row);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), batch.ids.begin() + static_cast<int64_t>(start)));
      start += expected.size();
    }
    EXPECT_EQ(start, batch.ids.size());
  }
}

TEST(Batcher, OrderDependsOnSeedAndEpochAlone) {
  const TokenDataset data = dataset(200);
  Batcher a(data, {}), b(data, {}), other(data, {.seed = 43});
  const auto first = rows_of(epoch_of(a)), second = rows_of(epoch_of(a));
  EXPECT_EQ(rows_of(epoch_of(b)), first);
  EXPECT_NE(rows_of(epoch_of(other)), first);
  EXPECT_NE(second, first);
  b.seek({0, 3});
  b.seek({1, 0});
  EXPECT_EQ(rows_of(epoch_of(b)), second);
}

TEST(Batcher, OrderIsTheSameOnEveryMachine) {
  PortableRandom random(42, 1);
  EXPECT_EQ(random.below(1000), 311u);
  EXPECT_EQ(random.below(1000), 828u);
  std::vector<int> order = {0, 1, 2, 3, 4, 5, 6, 7};
  random.shuffle(order.begin(), order.end());
  EXPECT_EQ(order, (std::vector<int>{2, 5, 7, 3, 6, 4, 0, 1}));
}

TEST(Batcher, ResumesExactly) {
  const TokenDataset data = dataset(77);
  for (const bool shuffle : {true, false}) {
    const BatchOptions options{.batch_size = 9, .shuffle = shuffle};
    Batcher whole(data, options);
    for (int step = 0; step < 25; ++step) {
      Batcher resumed(data, options);
      resumed.seek(whole.position());
      Batcher continued = resumed;
      const TokenBatch expected = whole.next(), got = continued.next();
      ASSERT_EQ(got.rows, expected.rows) << step;
      ASSERT_EQ(got.ids, expected.ids);
      ASSERT_EQ(continued.position(), whole.position());
    }
    EXPECT_EQ(whole.position(), (BatchPosition{2, 7}));
  }
}

TEST(Batcher, LengthsAreMixedAlike) {
  const TokenDataset data = dataset(1000);
  Batcher batcher(data, {.batch_size = 50});
  const double mean = static_cast<double>(data.tokens()) / 20;
  for (const TokenBatch& batch : epoch_of(batcher)) {
    EXPECT_EQ(batch.sequences(), 50);
    EXPECT_NEAR(static_cast<double>(batch.tokens()), mean, 0.05 * mean);
  }
}

TEST(Batcher, EqualLengthsMeetOthersEachEpoch) {
  const Tokenizer tokenizer = train_tokenizer({"x"}, {.kind = "byte"});
  const TokenDataset data = TokenDataset::from_texts(std::vector<std::string>(64, "same"), tokenizer, {});
  Batcher batcher(data, {.batch_size = 8});
  const auto partners = [&](const std::vector<TokenBatch>& batches) {
    for (const TokenBatch& batch : batches)
      if (std::count(batch.rows.begin(), batch.rows.end(), 0))
        return std::multiset<int64_t>(batch.rows.begin(), batch.rows.end());
    return std::multiset<int64_t>();
  };
  const auto first = partners(epoch_of(batcher)), second = partners(epoch_of(batcher));
  EXPECT_EQ(first.size(), 8u);
  EXPECT_NE(first, second);
}

TEST(Batcher, BatchTokensComeNearest) {
  const TokenDataset data = dataset(1000);
  for (const bool shuffle : {true, false}) {
    Batcher batcher(data, {.batch_tokens = 500, .shuffle = shuffle});
    const std::vector<TokenBatch> batches = epoch_of(batcher);
    for (size_t i = 0; i + 1 < batches.size(); ++i) EXPECT_NEAR(static_cast<double>(batches[i].tokens()), 500, 50);
  }
}

TEST(Batcher, InOrderKeepsTheShortRest) {
  Batcher batcher(dataset(10), {.batch_size = 4, .shuffle = false});
  std::vector<int64_t> sizes;
  for (const TokenBatch& batch : epoch_of(batcher)) {
    std::vector<int64_t> rows = batch.rows;
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows.front(), static_cast<int64_t>(sizes.size()) * 4);
    sizes.push_back(batch.sequences());
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 4, 2}));
}

TEST(Batcher, RefusesWhatDoesNotFit) {
  EXPECT_THROW(Batcher(dataset(0), {}), DataError);
  Batcher batcher(dataset(10), {.batch_size = 4});
  EXPECT_THROW(batcher.seek({0, 3}), CheckpointError);
  EXPECT_THROW(batcher.seek({0, -1}), CheckpointError);
  EXPECT_THROW(batcher.seek({-1, 0}), CheckpointError);
}

}  // namespace
}  // namespace tvae
