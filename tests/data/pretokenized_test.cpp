#include "tvae/data/pretokenized.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/data/data_file.h"
#include "tvae/data/token_cache.h"

namespace tvae {
namespace {

using Ids = std::vector<std::vector<int32_t>>;

std::string fault(const std::string& json, const std::string& kind = "bert") {
  try {
    parse_pretokenized("file.json", json, kind);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Pretokenized, GivesTheIdsOfEachKindWithoutTheirMarks) {
  const std::string json = R"([{"bert_token": [101, 5, 6, 102], "bert_token_length": 4,
                                "gpt2_token": [50258, 7, 50259], "gpt2_token_length": 3},
                               {"gpt2_token_length": 2, "gpt2_token": [50258, 50259], "bert_token": [101, 102]}])";
  EXPECT_EQ(parse_pretokenized("f", json, "bert"), (Ids{{5, 6}, {}}));
  EXPECT_EQ(parse_pretokenized("f", json, "gpt2"), (Ids{{7}, {}}));
}

TEST(Pretokenized, WhatIsNoSuchListIsRefusedInOneLine) {
  for (const auto& [json, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "no JSON at byte"},
           {"[]", "no pre-tokenised sentences"},
           {"{}", "an object"},
           {"3", "a number"},
           {"[3", "no JSON"},
           {"[\"text\"]", "a text"},
           {"[[101, 102]]", "a list in a list"},
           {R"([{"bert_token": [101, 102]}, {"gpt2_token": []}])", "an object without bert_token after 1 sentences"},
           {R"([{"bert_token": [101, 5]}])", "between 101 and 102"},
           {R"([{"bert_token": [101, -5, 102]}])", "the id -5"},
           {R"([{"bert_token": [101, 5000000000, 102]}])", "the id 5000000000"},
           {R"([{"bert_token": [101, 1.5, 102]}])", "the id 1.5"},
           {R"([{"bert_token": [101, [5], 102]}])", "a list in a list"},
           {R"([{"bert_token": [101, 102]}] x)", "no JSON"}}) {
    EXPECT_NE(fault(json).find(part), std::string::npos) << json << ": " << fault(json);
    EXPECT_NE(fault(json).find("file.json"), std::string::npos) << json;
  }
}

/// BERT's ids of its special tokens, and four words from 104 on.
std::string vocabulary() {
  std::string lines = "[PAD]\n";
  for (int i = 1; i < 100; ++i) lines += "[unused" + std::to_string(i) + "]\n";
  return lines + "[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nlast\n##ing\n.\n";
}

class PretokenizedRuns : public testing::Test {
 protected:
  void SetUp() override {
    folder_.put("bert/vocab.txt", vocabulary());
    folder_.put("a.json", R"([{"bert_token": [101, 104, 105, 106, 107, 102]}, {"bert_token": [101, 102]},
                              {"bert_token": [101, 105, 104, 102]}])");
    folder_.put("b.json", R"([{"bert_token": [101, 104, 102]}])");
  }
  ReadOptions options(const std::string& tokens) const {
    ReadOptions read;
    read.tokens = tokens;
    read.tokenizer = folder_.path("bert");
    return read;
  }
  std::string refusal(const ReadOptions& read, const std::string& name = "a.json") const {
    try {
      DataFile(folder_.path(name), read).rows();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  test::TemporaryFolder folder_;
};

TEST_F(PretokenizedRuns, TrainOnTheIdsAsTheyAre) {
  const Tokenizer tokenizer = Tokenizer::load(folder_.path("bert"));
  const TokenDataset data =
      TokenDataset::from_file(folder_.path("*.json"), options("bert"), tokenizer, {}, folder_.path("cache"));
  ASSERT_EQ(data.size(), 3);
  const auto ids = [&](int64_t i) { return std::vector<int32_t>(data.sequence(i).begin(), data.sequence(i).end()); };
  EXPECT_EQ(ids(0), (std::vector<int32_t>{104, 105, 106, 107, 102})) << "with the tokenizer's own end";
  EXPECT_EQ(ids(1), (std::vector<int32_t>{105, 104, 102}));
  EXPECT_EQ(data.untokenizable(), 0);
  DataFile large(folder_.path("*.json"), options("bert"), {}, {.most_bytes = 10, .part_bytes = 10});
  EXPECT_TRUE(large.is_large());
  const TokenDataset in_parts = TokenDataset::from_file(large, tokenizer, {}, folder_.path("other"));
  EXPECT_EQ(in_parts.shards(), 2);
  EXPECT_EQ(in_parts.tokens(), data.tokens());
}

TEST_F(PretokenizedRuns, OrOnTheTextThatTheyStandFor) {
  DataFile file(folder_.path("a.json"), options("text"));
  EXPECT_EQ(file.rows().texts, (std::vector<std::string>{"the lasting.", "last the"}));
  EXPECT_TRUE(file.rows().ids.empty());
  EXPECT_EQ(file.rows().bad_count, 1) << "a sentence without ids";
  EXPECT_NE(DataFile(folder_.path("a.json"), options("bert")).fingerprint(), file.fingerprint());
}

TEST_F(PretokenizedRuns, WhatDoesNotFitTheTokenizerIsNamed) {
  folder_.put("c.json", R"([{"bert_token": [101, 104, 102]}, {"bert_token": [101, 104, 108, 102]}])");
  EXPECT_NE(refusal(options("bert"), "c.json").find("the id 108 in sentence 1"), std::string::npos);
  EXPECT_NE(refusal(options("gpt2")).find("without gpt2_token"), std::string::npos);
  ReadOptions without = options("bert");
  without.tokenizer = "";
  EXPECT_NE(refusal(without).find("data.tokenizer"), std::string::npos);
  without.tokens = "text";
  EXPECT_NE(refusal(without).find("data.tokens_tokenizer"), std::string::npos);
}

}  // namespace
}  // namespace tvae
