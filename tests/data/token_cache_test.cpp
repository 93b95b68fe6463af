#include "tvae/data/token_cache.h"

#include <gtest/gtest.h>
#include <sentencepiece_trainer.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

class TokenCache : public testing::Test {
 protected:
  TokenDataset load(const TokenizeOptions& options = {}, const ReadOptions& read = {}) {
    return TokenDataset::from_file(folder_.path("lines.txt"), read, tokenizer_, options, folder_.path("cache"));
  }
  /// Paths of the cache files.
  std::vector<std::string> cache_files() const {
    std::vector<std::string> files;
    if (fs::exists(folder_.path("cache")))
      for (const auto& entry : fs::directory_iterator(folder_.path("cache"))) files.push_back(entry.path());
    return files;
  }
  /// The only cache file, by name in the temporary folder.
  std::string cache_name() const {
    EXPECT_EQ(cache_files().size(), 1u);
    return "cache/" + fs::path(cache_files().at(0)).filename().string();
  }

  test::TemporaryFolder folder_;
  Tokenizer tokenizer_ = train_tokenizer({"x"}, {.kind = "byte"});
};

std::vector<int32_t> ids_of(const TokenDataset& data, int64_t i) {
  return {data.sequence(i).begin(), data.sequence(i).end()};
}

void expect_equal(const TokenDataset& a, const TokenDataset& b) {
  ASSERT_EQ(a.size(), b.size());
  for (int64_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(ids_of(a, i), ids_of(b, i));
    ASSERT_EQ(a.source_row(i), b.source_row(i));
  }
  EXPECT_EQ(a.tokens(), b.tokens());
  EXPECT_EQ(a.overlong(), b.overlong());
  EXPECT_EQ(a.untokenizable(), b.untokenizable());
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
}

TEST_F(TokenCache, SequencesInOrderEachWithItsEnd) {
  std::vector<std::string> texts;
  for (int i = 0; i < 5000; ++i) texts.push_back("text " + std::to_string(i));
  const TokenDataset data = TokenDataset::from_texts(texts, tokenizer_, {});
  ASSERT_EQ(data.size(), 5000);
  int64_t tokens = 0;
  for (int64_t i = 0; i < data.size(); ++i) {
    std::vector<int32_t> expected = tokenizer_.encode(texts[i]);
    expected.push_back(tokenizer_.eos_id());
    ASSERT_EQ(ids_of(data, i), expected);
    ASSERT_EQ(data.length(i), static_cast<int64_t>(expected.size()));
    ASSERT_EQ(data.source_row(i), i);
    tokens += data.length(i);
  }
  EXPECT_EQ(data.tokens(), tokens);
}

TEST_F(TokenCache, OverlongRowsAreDroppedOrCut) {
  const std::vector<std::string> texts = {"abc", "abcd", "abcde", "ab"};
  const TokenDataset dropped = TokenDataset::from_texts(texts, tokenizer_, {.max_tokens = 4});
  EXPECT_EQ(dropped.size(), 2);
  EXPECT_EQ(dropped.overlong(), 2);
  EXPECT_EQ(dropped.source_row(1), 3);
  const TokenDataset cut = TokenDataset::from_texts(texts, tokenizer_, {.max_tokens = 4, .cut = true});
  EXPECT_EQ(cut.size(), 4);
  EXPECT_EQ(cut.overlong(), 2);
  EXPECT_EQ(ids_of(cut, 2), ids_of(cut, 0)) << "abcde is cut to abc and its end";
}

TEST_F(TokenCache, CountsWhatDoesNotSurvive) {
  folder_.put("letters.txt", "aab bba\nbaa\nabc\n");
  const std::string flags = "--input=" + folder_.path("letters.txt") + " --model_prefix=" + folder_.path("spiece") +
                            " --model_type=char --vocab_size=7 --pad_id=0 --eos_id=1 --unk_id=2 --bos_id=-1" +
                            " --minloglevel=3";  // no byte fallback
  ASSERT_TRUE(sentencepiece::SentencePieceTrainer::Train(flags).ok());
  const Tokenizer letters = Tokenizer::load(folder_.path("spiece.model"));
  EXPECT_EQ(TokenDataset::from_texts({"aab", "xyz", "cab"}, letters, {}).untokenizable(), 1);
}

TEST_F(TokenCache, SecondTimeFromTheCache) {
  folder_.put("lines.txt", "one\n\ntwo\nthree\n");
  testing::internal::CaptureStderr();
  const TokenDataset made = load();
  const std::string first = testing::internal::GetCapturedStderr();
  EXPECT_NE(first.find("1 row of "), std::string::npos);
  EXPECT_NE(first.find("empty (line 2)"), std::string::npos);
  const auto written = fs::last_write_time(folder_.path(cache_name()));
  testing::internal::CaptureStderr();
  const TokenDataset mapped = load();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), first) << "bad rows are told again";
  expect_equal(made, mapped);
  EXPECT_EQ(fs::last_write_time(folder_.path(cache_name())), written);
  expect_equal(made, TokenDataset::from_texts({"one", "two", "three"}, tokenizer_, {}));
}

TEST_F(TokenCache, APipeIsReadOnce) {
  const std::string pipe = folder_.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "one\n\ntwo\n"; });
  DataFile file(pipe, {});
  const std::vector<std::string> texts = {"one", "two"};
  EXPECT_EQ(file.rows().texts, texts);
  const TokenDataset data = TokenDataset::from_file(file, tokenizer_, {}, folder_.path());
  writer.join();
  expect_equal(data, TokenDataset::from_texts(texts, tokenizer_, {}));
  EXPECT_EQ(file.rows().texts, texts);
}

TEST_F(TokenCache, KeyedByWhatShapesIt) {
  folder_.put("lines.txt", "one\ntwo\n");
  load();
  load({.max_tokens = 5});
  load({.cut = true});
  load({}, {.escapes = true});
  load({}, {.quotes = true});
  EXPECT_EQ(cache_files().size(), 5u);
  folder_.put("lines.txt", "one\nTwo\n");
  EXPECT_EQ(ids_of(load(), 1)[0], tokenizer_.encode("T")[0]);
  EXPECT_EQ(cache_files().size(), 6u);
  tokenizer_ = train_tokenizer({"one two"}, {.kind = "char", .vocab_size = 280});
  load();
  EXPECT_EQ(cache_files().size(), 7u);
}

TEST_F(TokenCache, DamagedCacheIsMadeAgain) {
  folder_.put("lines.txt", "one\n\ntwo\n");
  const TokenDataset made = load();
  const std::string name = cache_name(), good = folder_.get(name);
  constexpr size_t kStride = 5;  // meets every field
  testing::internal::CaptureStderr();
  for (size_t i = 0; i < good.size(); i += kStride) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x41);
    for (const std::string& damaged : {flipped, good.substr(0, i)}) {
      folder_.put(name, damaged);
      expect_equal(load(), made);
      ASSERT_EQ(folder_.get(name), good) << i;
    }
  }
  testing::internal::GetCapturedStderr();  // the bad row, told every time
}

// Whoever can write a cache file can also write hashes that fit: they guard against accidents alone.
TEST_F(TokenCache, ACacheWithWrongArraysAndRightHashesIsMadeAgain) {
  folder_.put("lines.txt", "one\ntwo\nthree\n");
  const TokenDataset made = load();
  const std::string name = cache_name(), good = folder_.get(name);
  constexpr size_t kHeader = 72, kContent = 56, kChecksum = 64;  // no report follows the arrays
  const size_t rows = kHeader + 4 * sizeof(int64_t), ids = rows + 3 * sizeof(int64_t);
  const auto forged = [&](size_t place, auto value) {
    std::string bytes = good;
    std::memcpy(bytes.data() + place, &value, sizeof value);
    const uint64_t content = hash_bytes(std::string_view(bytes).substr(kHeader), tokenizer_.fingerprint());
    std::memcpy(bytes.data() + kContent, &content, sizeof content);
    const uint64_t checksum = hash_bytes(std::string_view(bytes).substr(0, kChecksum), hash_bytes(""));
    std::memcpy(bytes.data() + kChecksum, &checksum, sizeof checksum);
    return bytes;
  };
  EXPECT_EQ(forged(ids, int32_t{'o' + 3}), good) << "the hashes are those of the format";
  for (const std::string& bytes :
       {forged(ids, int32_t{259}), forged(ids, int32_t{-1}), forged(ids + 3 * sizeof(int32_t), int32_t{5}),
        forged(kHeader, int64_t{1}), forged(kHeader + 8, int64_t{1} << 40), forged(kHeader + 8, int64_t{-1}),
        forged(kHeader + 8, int64_t{0}), forged(kHeader + 16, int64_t{2}), forged(kHeader + 24, int64_t{1} << 40),
        forged(rows, int64_t{-1}), forged(rows + 8, int64_t{0})}) {
    folder_.put(name, bytes);
    expect_equal(load(), made);
    ASSERT_EQ(folder_.get(name), good);
  }
}

TEST_F(TokenCache, WorksWithoutACache) {
  folder_.put("lines.txt", "one\n");
  folder_.put("cache", "a file where the folder should be");
  testing::internal::CaptureStderr();
  EXPECT_EQ(load().size(), 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("warning: going on without a token cache"), std::string::npos);
}

TEST_F(TokenCache, NoUsableSequences) {
  folder_.put("lines.txt", "too long\n");
  for (int i = 0; i < 2; ++i) EXPECT_THROW(load({.max_tokens = 4}), DataError);
  folder_.put("lines.txt", "ok\n\n");
  EXPECT_THROW(load({}, {.strict = true}), DataError);
  fs::remove(folder_.path("lines.txt"));
  EXPECT_THROW(load(), DataError);
}

TEST_F(TokenCache, CopiesShareTheMapping) {
  folder_.put("lines.txt", "one\ntwo\n");
  load();
  std::optional<TokenDataset> mapped = load();
  const TokenDataset copy = *mapped;
  mapped.reset();
  fs::remove_all(folder_.path("cache"));
  expect_equal(copy, TokenDataset::from_texts({"one", "two"}, tokenizer_, {}));
}

}  // namespace
}  // namespace tvae
