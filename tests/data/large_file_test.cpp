// Files that are larger than what is read at once: their parts, the rows that are held out, caches and batches of them.
#include "tvae/data/large_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/data/batcher.h"
#include "tvae/data/data_file.h"
#include "tvae/data/token_cache.h"

namespace tvae {
namespace {

constexpr LargeFileLimits kSmall = {.most_bytes = 1000, .part_bytes = 400};

std::string some_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "line " + std::to_string(i * 7919 % 1009) + std::string(i % 23, 'x') + "\n";
  return text;
}

class LargeFiles : public testing::Test {
 protected:
  DataFile file(double held_out = 0) const { return {folder_.path("*.txt"), {}, {held_out, 3}, kSmall}; }
  TokenDataset load(DataFile& of, Progress& progress = Progress::none()) const {
    return TokenDataset::from_file(of, tokenizer_, {}, folder_.path("cache"), progress);
  }

  test::TemporaryFolder folder_;
  Tokenizer tokenizer_ = train_tokenizer({"x"}, {.kind = "byte"});
};

std::vector<std::string> texts_of(const TokenDataset& data, const Tokenizer& tokenizer) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto ids = data.sequence(i);
    texts.push_back(tokenizer.decode({ids.begin(), ids.end() - 1}));
  }
  return texts;
}

TEST_F(LargeFiles, PartsHoldEveryLineOnce) {
  const std::string text = some_lines(200);
  for (const std::string& content :
       {text, text.substr(0, text.size() - 1), "\n\n" + text + "\n\n", std::string(5000, 'a') + "\n" + text}) {
    folder_.put("a.txt", content);
    for (const uint64_t bytes : {uint64_t{41}, uint64_t{400}, uint64_t{5001}, uint64_t{100000}}) {
      const auto parts = parts_of_large_files({folder_.path("a.txt")}, {}, {.most_bytes = 10, .part_bytes = bytes});
      if (parts.empty()) continue;  // no line feed in the first part: read whole
      std::string all;
      for (const FilePart& part : parts)
        for (const FilePiece& piece : part) {
          const std::string read = read_piece(piece);
          all += read;
          ASSERT_TRUE(read.empty() || read.back() == '\n' || all.size() == content.size());
        }
      ASSERT_EQ(all, content) << bytes;
    }
  }
}

TEST_F(LargeFiles, TablesCompressedFilesAndSmallOnesAreReadWhole) {
  folder_.put("a.csv", "text\n" + some_lines(200));
  folder_.put("a.txt.gz", some_lines(200));
  folder_.put("a.txt", some_lines(200));
  folder_.put("b.txt", some_lines(5));
  const auto is_large = [&](const std::string& name, const ReadOptions& options = {}) {
    return DataFile(folder_.path(name), options, {}, kSmall).is_large();
  };
  EXPECT_FALSE(is_large("a.csv"));
  EXPECT_FALSE(is_large("a.txt.gz"));
  EXPECT_FALSE(is_large("b.txt"));
  EXPECT_TRUE(is_large("a.txt"));
  EXPECT_TRUE(is_large("[ab].txt"));
  ReadOptions table;
  table.format = "tsv";
  EXPECT_FALSE(is_large("a.txt", table));
  folder_.put("returns.txt", std::string(3000, 'a') + "\r");
  EXPECT_FALSE(is_large("returns.txt")) << "its lines have other ends";
}

TEST_F(LargeFiles, OneThatTurnsOutToBeATableIsReadWhole) {
  std::string table = "text\tlabel\n";
  for (int i = 0; i < 300; ++i) table += "text " + std::to_string(i) + "\tlabel\n";
  folder_.put("a.txt", table);
  DataFile of_table = file();
  EXPECT_TRUE(of_table.is_large());
  EXPECT_FALSE(of_table.sample().content.empty());
  ReadOptions options;
  options.format = "tsv";
  options.column = "text";
  of_table.set_options(options);
  EXPECT_FALSE(of_table.is_large());
  EXPECT_EQ(of_table.rows().texts.size(), 300U);
}

TEST_F(LargeFiles, ManySmallOnesAreReadTogether) {
  for (int i = 0; i < 60; ++i) folder_.put("f" + std::to_string(i) + ".txt", some_lines(3));
  DataFile many = file();
  ASSERT_TRUE(many.is_large());
  EXPECT_LT(many.parts(), 15U);
  const TokenDataset data = load(many);
  EXPECT_EQ(data.size(), 180);
  EXPECT_GE(Batcher(data, {.batch_size = 6}).fewest_sequences(), 4);
}

TEST_F(LargeFiles, GiveTheSequencesOfTheirLinesFromCachesThatAreMadeOnce) {
  folder_.put("a.txt", some_lines(300));
  folder_.put("b.txt", some_lines(40) + "\n" + some_lines(3));
  std::vector<std::string> expected;
  for (const char* name : {"a.txt", "b.txt"})
    for (const std::string& line : read_rows(folder_.path(name)).texts) expected.push_back(line);
  DataFile first = file(), again = file();
  const TokenDataset made = load(first), opened = load(again);
  EXPECT_GT(made.shards(), 10);
  EXPECT_EQ(texts_of(made, tokenizer_), expected);
  EXPECT_EQ(texts_of(opened, tokenizer_), expected);
  EXPECT_EQ(made.fingerprint(), opened.fingerprint());
  EXPECT_EQ(made.tokens(), opened.tokens());
  const auto is_lock = [](const auto& entry) { return entry.path().extension() == ".lock"; };
  EXPECT_EQ(std::ranges::count_if(std::filesystem::directory_iterator(folder_.path("cache")), is_lock), 0);
  EXPECT_NEAR(first.count_of_rows(), static_cast<double>(expected.size()), 0.2 * static_cast<double>(expected.size()));
}

TEST_F(LargeFiles, WhatIsHeldOutIsNotTrainedOn) {
  folder_.put("a.txt", some_lines(300) + some_lines(300));  // every line twice, in different parts
  DataFile whole = file(0.1);
  const Rows held_out = whole.held_out().rows();
  EXPECT_GT(held_out.texts.size(), 3U);
  DataFile others = whole.held_out();
  EXPECT_EQ(texts_of(load(others), tokenizer_), held_out.texts);
  const std::set<std::string> out(held_out.texts.begin(), held_out.texts.end());
  const auto trained = texts_of(load(whole), tokenizer_);
  for (const std::string& text : trained) ASSERT_FALSE(out.contains(text)) << text;
  std::set<std::string> all(trained.begin(), trained.end());
  all.insert(out.begin(), out.end());
  EXPECT_EQ(all.size(), 300U);
}

TEST_F(LargeFiles, OfSeveralThreadsOneMakesTheCache) {
  folder_.put("a.txt", some_lines(300));
  struct Count : Progress {
    void update(const char* what, int64_t, int64_t) override { made += std::string(what) == "tokenizing"; }
    std::atomic<int> made = 0;
  } count;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      DataFile own = file();
      EXPECT_EQ(load(own, count).size(), 300);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count.made, static_cast<int>(file().parts()));
}

TEST_F(LargeFiles, ADamagedShardIsNamedWhenItIsUsed) {
  folder_.put("a.txt", some_lines(300));
  DataFile first = file();
  const TokenDataset made = load(first);
  std::string damaged;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("cache")))
    if (entry.path().string().ends_with(".3.tokens")) damaged = entry.path();
  std::string bytes = read_file(damaged);
  bytes[bytes.size() / 2] ^= 1;
  write_file_atomically(damaged, bytes);
  DataFile again = file();
  const TokenDataset opened = load(again);
  std::string error;
  try {
    Batcher batcher(opened, {});
    for (int64_t i = 0; i < batcher.batches_per_epoch(); ++i) batcher.next();
  } catch (const DataError& e) {
    error = e.what();
  }
  EXPECT_NE(error.find(damaged), std::string::npos) << error;
}

TEST_F(LargeFiles, BatchesVisitEverySequenceOnceAnEpochFromAnyPosition) {
  folder_.put("a.txt", some_lines(900));
  DataFile large = file();
  const TokenDataset data = load(large);
  ASSERT_GT(data.shards(), 16) << "more than two blocks";
  for (const int64_t tokens : {0, 200}) {
    const BatchOptions options = {.batch_size = 9, .batch_tokens = tokens};
    Batcher batcher(data, options);
    std::vector<std::vector<int64_t>> batches;
    for (int epoch = 0; epoch < 2; ++epoch) {
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < batcher.batches_per_epoch(); ++i) {
        batches.push_back(batcher.next().rows);
        rows.insert(rows.end(), batches.back().begin(), batches.back().end());
      }
      EXPECT_FALSE(std::ranges::is_sorted(rows));
      std::ranges::sort(rows);
      ASSERT_EQ(static_cast<int64_t>(rows.size()), data.size());
      for (int64_t i = 0; i < data.size(); ++i) ASSERT_EQ(rows[static_cast<size_t>(i)], i);
    }
    EXPECT_NE(batches[0], batches[static_cast<size_t>(batcher.batches_per_epoch())]) << "epochs differ";
    Batcher other(data, options);
    for (const size_t at : {batches.size() - 1, size_t{0}, batches.size() / 2, batches.size() / 3}) {
      const auto of_epoch = static_cast<size_t>(batcher.batches_per_epoch());
      other.seek({static_cast<int64_t>(at / of_epoch), static_cast<int64_t>(at % of_epoch)});
      EXPECT_EQ(other.next().rows, batches[at]) << at;
    }
  }
}

}  // namespace
}  // namespace tvae
