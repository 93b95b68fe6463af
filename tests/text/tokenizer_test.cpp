#include "tvae/text/tokenizer.h"

#include <gtest/gtest.h>
#include <sentencepiece_trainer.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/text/character_map.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kLines = {
    "def add(a, b): return a + b",
    "x = {a: b<c}",
    "  for i in range(10):",
    "\tprint(\"hello world\")",
    "return None",
    "value = values[index] + 1",
    "<unk> said <unk> to <unk> </s> <0x41> <pad>",
    "<unk>",
    "caf\u00e9 na\u00efve \U0001F600",
};

std::vector<std::string> many_lines() {
  std::vector<std::string> lines;
  for (int i = 0; i < 400; ++i) lines.push_back(kLines[static_cast<size_t>(i) % kLines.size()] + std::to_string(i * i));
  return lines;
}

Tokenizer train(const std::string& kind, int64_t vocab_size = 500) {
  TokenizerTraining training;
  training.kind = kind;
  training.vocab_size = vocab_size;
  return train_tokenizer(many_lines(), training);
}

/// A model that resembles T5's: dummy prefix, spaces collapsed, NFKC, no byte fallback, few characters.
std::string t5_like_model() {
  class Lines : public sentencepiece::SentenceIterator {
   public:
    bool done() const override { return i_ == lines_.size(); }
    void Next() override { ++i_; }
    const std::string& value() const override { return lines_[i_]; }
    sentencepiece::util::Status status() const override { return {}; }

   private:
    std::vector<std::string> lines_ = {"the house is wonderful.", "a = b + c", "x: y", "that is good",
                                       "the abc is x y z"};
    size_t i_ = 0;
  } lines;
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train({{"vocab_size", "60"},
                                                                  {"hard_vocab_limit", "false"},
                                                                  {"pad_id", "0"},
                                                                  {"eos_id", "1"},
                                                                  {"unk_id", "2"},
                                                                  {"bos_id", "-1"},
                                                                  {"minloglevel", "3"}},
                                                                 &lines, &model);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return model;
}

TEST(Tokenizer, TextOfAnIdKeepsItsSpace) {
  for (const Tokenizer& tokenizer : {Tokenizer::from_sentencepiece(t5_like_model()), Tokenizer::bytes()}) {
    std::string text;
    for (const int32_t id : tokenizer.encode("a = b")) text += tokenizer.text_of(id);
    EXPECT_EQ(text, tokenizer.writes_anything() ? "a = b" : " a = b");
    EXPECT_EQ(tokenizer.text_of(tokenizer.eos_id()), "");
  }
}

class TokenizerFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tvae_tokenizer_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string put(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  nlohmann::json read_json(const std::string& name) const { return nlohmann::json::parse(read_file(path(name))); }

  std::string folder_;
};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "no CheckpointError";
}

class TrainedTokenizer : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kinds, TrainedTokenizer, testing::Values("unigram", "bpe", "char", "byte"));

TEST_P(TrainedTokenizer, HasTheIdsOfT5) {
  const Tokenizer tokenizer = train(GetParam());
  EXPECT_EQ(tokenizer.pad_id(), 0);
  EXPECT_EQ(tokenizer.eos_id(), 1);
  EXPECT_EQ(tokenizer.unk_id(), 2);
  EXPECT_EQ(tokenizer.piece(0), "<pad>");
  EXPECT_EQ(tokenizer.piece(1), "</s>");
  EXPECT_EQ(tokenizer.piece(2), "<unk>");
  EXPECT_TRUE(tokenizer.writes_anything());
  EXPECT_GE(tokenizer.size(), 259);
  EXPECT_LE(tokenizer.size(), 500);
  EXPECT_TRUE(tokenizer.encode("").empty());
}

TEST_P(TrainedTokenizer, WritesEveryTextByteForByte) {
  const Tokenizer tokenizer = train(GetParam());
  for (const std::string& line : many_lines()) EXPECT_TRUE(tokenizer.round_trips(line)) << line;
  const std::vector<std::string> parts = {
      " ",
      "  ",
      "\t",
      "\n",
      "\r",
      "\x01",
      "\x7f",
      std::string("\0", 1),
      "a",
      "the",
      "x",
      "=",
      "{",
      "<",
      "0",
      "def",
      "</s>",
      "<unk>",
      "<pad>",
      "<0x41>",
      "<extra_id_0>",
      "\u2581",  // SentencePiece's marks of a space, an unknown character and unknown text
      "\u2585",
      "\u2047",
      "\u00e9",
      "e\u0301",
      "\ufb01",
      "\U0001F600",
      "\u4e2d",
      "\u00a0",
      "\u200b",
      "\ufeff",
      "\U000F0001",
      "\U0010FFFF",
      "\xff",
      "\xe2\x96",
      "\xc3"};
  std::mt19937 generator(7);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (size_t count = generator() % 12; count > 0; --count) text += parts[generator() % parts.size()];
    const std::vector<int32_t> ids = tokenizer.encode(text);
    ASSERT_EQ(tokenizer.decode(ids), text);
    for (const int32_t id : ids) ASSERT_TRUE(id > 2 && id < tokenizer.size()) << id;
  }
  for (int i = 0; i < 1000; ++i) {
    std::string text(generator() % 30, '\0');
    for (char& c : text) c = static_cast<char>(generator());
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST_P(TrainedTokenizer, IsTheSameAgain) {
  const Tokenizer tokenizer = train(GetParam());
  EXPECT_EQ(train(GetParam()).fingerprint(), tokenizer.fingerprint());
}

TEST_P(TrainedTokenizer, WorksOnTinyData) {
  for (const std::vector<std::string>& lines : std::vector<std::vector<std::string>>{
           {"a"}, {" "}, {"\t"}, {"aaaa"}, {"\u2581"}, {"\xff\xfe"}, {"", "a b", ""}, {"<unk>", "<unk>"}}) {
    TokenizerTraining training;
    training.kind = GetParam();
    testing::internal::CaptureStderr();
    const Tokenizer tokenizer = train_tokenizer(lines, training);
    const std::string log = testing::internal::GetCapturedStderr();
    const bool learns = training.kind == "unigram" || training.kind == "bpe";
    EXPECT_EQ(log.find("the lines give a vocabulary of") != std::string::npos, learns) << log;
    EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 1) << log;
    for (const std::string& line : lines) EXPECT_TRUE(tokenizer.round_trips(line)) << line;
    EXPECT_TRUE(tokenizer.round_trips("never seen \t text"));
  }
}

TEST_P(TrainedTokenizer, EncodesFromManyThreadsAtOnce) {
  const Tokenizer tokenizer = train(GetParam());
  const std::vector<std::string> lines = many_lines();
  std::vector<std::vector<int32_t>> expected;
  for (const std::string& line : lines) expected.push_back(tokenizer.encode(line));
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (size_t i = 0; i < lines.size(); ++i) count += tokenizer.encode(lines[i]) != expected[i];
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST_F(TokenizerFiles, TrainedTokenizersComeBackFromTheirFolder) {
  for (const char* kind : {"unigram", "bpe", "char", "byte"}) {
    const Tokenizer tokenizer = train(kind);
    tokenizer.save(path(kind));
    const Tokenizer loaded = Tokenizer::load(path(kind));
    EXPECT_EQ(loaded.fingerprint(), tokenizer.fingerprint()) << kind;
    EXPECT_EQ(loaded.size(), tokenizer.size()) << kind;
    EXPECT_EQ(loaded.encode(kLines[0]), tokenizer.encode(kLines[0])) << kind;
    EXPECT_EQ(read_json(std::string(kind) + "/tokenizer_config.json")["extra_ids"], 0);
  }
  EXPECT_EQ(Tokenizer::load(path("bpe/spiece.model")).size(), Tokenizer::load(path("bpe")).size());
}

TEST_F(TokenizerFiles, TheFastTokenizerOfHuggingFaceHasTheSamePieces) {
  const std::vector<std::pair<std::string, std::string>> types = {
      {"unigram", "Unigram"}, {"bpe", "BPE"}, {"char", "BPE"}};
  for (const auto& [kind, type] : types) {
    const Tokenizer tokenizer = train(kind);
    tokenizer.save(folder_);
    const nlohmann::json model = read_json("tokenizer.json")["model"];
    EXPECT_EQ(model["type"], type);
    EXPECT_EQ(static_cast<int64_t>(model["vocab"].size()), tokenizer.size());
    EXPECT_EQ(model.value("merges", nlohmann::json::array()).empty(), kind != "bpe");
    for (const nlohmann::json& pair : model.value("merges", nlohmann::json::array()))
      EXPECT_TRUE(model["vocab"].contains(pair[0].get<std::string>() + pair[1].get<std::string>()));
  }
}

TEST_F(TokenizerFiles, SavingReplacesTheTokenizerThatIsThere) {
  put("added_tokens.json", R"({"{": 9})");
  train("bpe").save(folder_);
  Tokenizer::bytes().save(folder_);
  for (const char* stale : {"spiece.model", "tokenizer.json", "added_tokens.json"})
    EXPECT_FALSE(file_exists(path(stale))) << stale;
  EXPECT_EQ(Tokenizer::load(folder_).size(), 259);
}

TEST(TrainTokenizer, LearnsLongerPiecesFromMoreIds) {
  const std::string text = "return value + values[index]";
  for (const char* kind : {"unigram", "bpe"}) {
    EXPECT_LT(train(kind).encode(text).size(), 20u) << kind;
    EXPECT_GT(train(kind, 300).encode(text).size(), train(kind).encode(text).size()) << kind;
  }
  EXPECT_EQ(train("char").encode(text).size(), text.size());
  EXPECT_EQ(train("byte").encode("\u00e9 a"), (std::vector<int32_t>{0xc3 + 3, 0xa9 + 3, ' ' + 3, 'a' + 3}));
}

// SentencePiece by itself seeds pieces with what occurs in several different words, and would spell these out.
TEST(TrainTokenizer, WordsOfOneFormBecomePieces) {
  const std::vector<std::string> words = {"sugar", "almonds", "chicken", "cinnamon", "butter", "vinegar"};
  std::vector<std::string> lines;
  for (size_t i = 0; i < 300; ++i)
    lines.push_back("mix " + words[i % 6] + " " + words[i / 6 % 6] + " " + words[i / 36 % 6]);
  const Tokenizer tokenizer = train_tokenizer(lines, {.kind = "unigram", .vocab_size = 1024});
  for (const std::string& word : words) EXPECT_EQ(tokenizer.encode("mix " + word).size(), 2U) << word;
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("mix sugar\tbutter")), "mix sugar\tbutter");
}

TEST(TrainTokenizer, SamplesLinesBySeed) {
  std::vector<std::string> lines = many_lines();
  TokenizerTraining training{.kind = "bpe", .vocab_size = 400, .sample_lines = 20, .seed = 1};
  const uint64_t first = train_tokenizer(lines, training).fingerprint();
  EXPECT_EQ(train_tokenizer(lines, training).fingerprint(), first);
  training.seed = 2;
  EXPECT_NE(train_tokenizer(lines, training).fingerprint(), first);
}

// A million characters of words that differ are enough. What is learnt from is said before the work, and a number of
// lines that is given is kept.
TEST(TrainTokenizer, OfMuchTextTakesAsMuchAsIsEnough) {
  std::mt19937 generator(5);
  std::vector<std::string> lines;
  for (int i = 0; i < 1500; ++i) {
    const char first = i < 750 ? 'a' : 'n';  // the second half is of other letters than the first
    lines.emplace_back();
    for (int j = 0; j < 1100; ++j) lines.back() += j % 11 == 0 ? ' ' : static_cast<char>(first + generator() % 13);
  }
  const auto train = [&lines](const TokenizerTraining& training) {
    testing::internal::CaptureStderr();
    Tokenizer tokenizer = train_tokenizer(lines, training);
    return std::pair(std::move(tokenizer), testing::internal::GetCapturedStderr());
  };
  const auto [tokenizer, said] = train({.vocab_size = 400});
  EXPECT_EQ(said.find("a draw of 6"), 0U) << said;
  EXPECT_EQ(tokenizer.encode("a").size() + tokenizer.encode("z").size(), 2U) << "drawn from the whole of the file";
  EXPECT_NE(train({.vocab_size = 400, .seed = 1}).first.fingerprint(), tokenizer.fingerprint());
  EXPECT_EQ(train({.vocab_size = 400, .sample_lines = 100}).second, "");
  EXPECT_EQ(train({.vocab_size = 400, .sample_lines = 0}).second,
            "these lines are 2 times the text that is enough for pieces, and take as many times as long\n");
}

TEST(TrainTokenizer, LearnsFromFewLinesWhateverTheSeed) {
  const auto train = [](int64_t seed) { return train_tokenizer(many_lines(), {.vocab_size = 400, .seed = seed}); };
  EXPECT_EQ(train(1).fingerprint(), train(2).fingerprint());
}

TEST(TrainTokenizer, RefusesWhatCannotWork) {
  EXPECT_THROW(train_tokenizer({}, {}), DataError);
  EXPECT_THROW(train_tokenizer({"", ""}, {}), DataError);
  EXPECT_THROW(train_tokenizer({"a"}, {.kind = "wordpiece"}), ConfigError);
  EXPECT_THROW(train_tokenizer({"a"}, {.vocab_size = 100}), ConfigError);
}

// SentencePiece keeps places in a word in 16 bits, and takes time that grows with the square of what repeats itself.
TEST(TrainTokenizer, TakesWordsOfAnyLength) {
  std::string repeated;
  while (repeated.size() < 300'000) repeated += "ab ";
  for (const std::string& line : {std::string(100'000, 'A'), std::string(65'000, ' '), repeated}) {
    for (const char* kind : {"bpe", "unigram"}) {
      const Tokenizer tokenizer = train_tokenizer({line, "s"}, {.kind = kind, .vocab_size = 300});
      EXPECT_TRUE(tokenizer.round_trips(line)) << kind;
      EXPECT_LT(tokenizer.encode(line).size(), line.size() / 2) << kind << " learned a piece of what repeats";
    }
  }
}

TEST(TrainTokenizer, SizesAreNamedAsGiven) {
  for (const int64_t size : {int64_t{2'000'000'000}, INT64_MAX, int64_t{-5}, int64_t{271}}) {
    try {
      train_tokenizer({"a"}, {.vocab_size = size});
      FAIL() << size;
    } catch (const ConfigError& error) {
      EXPECT_EQ(std::string(error.what())
                    .find("size of the vocabulary: got " + std::to_string(size) + ", expected 272 to 1000000"),
                0u)
          << error.what();
    }
  }
  try {
    train_tokenizer({"a"}, {.kind = "unigrm"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "data.tokenizer_kind: got \"unigrm\", expected one of unigram, bpe, char, byte (did you mean unigram?)");
  }
}

TEST_F(TokenizerFiles, AModelWithoutConfigHasTheExtraIdsOfT5) {
  put("t5/spiece.model", t5_like_model());
  const Tokenizer bare = Tokenizer::from_sentencepiece(t5_like_model());
  for (const std::string& at : {path("t5"), path("t5/spiece.model")}) {
    const Tokenizer tokenizer = Tokenizer::load(at);
    EXPECT_EQ(tokenizer.size(), bare.size() + 100);
    EXPECT_EQ(tokenizer.piece(static_cast<int32_t>(bare.size())), "<extra_id_99>");
    EXPECT_EQ(tokenizer.piece(static_cast<int32_t>(tokenizer.size() - 1)), "<extra_id_0>");
    EXPECT_NE(tokenizer.fingerprint(), bare.fingerprint());
    EXPECT_EQ(tokenizer.encode("that is good"), bare.encode("that is good"));
  }
  put("t5/tokenizer_config.json", R"({"tokenizer_class": "T5Tokenizer", "extra_ids": 7})");
  EXPECT_EQ(Tokenizer::load(path("t5")).size(), bare.size() + 7);
}

TEST_F(TokenizerFiles, AddedTokensWriteWhatTheModelCannot) {
  Tokenizer tokenizer = Tokenizer::load(put("spiece.model", t5_like_model()));
  const std::vector<std::string> lines = {
      "x = {a: b<c}", "{}{ {b", "< a", "<", "a\nb", "\n\nb\n", "a\tb {", "a \n b", "\ufb01 = \u00bd", "\U000F0000{"};
  for (const std::string& line : lines) EXPECT_FALSE(tokenizer.round_trips(line)) << line;
  const int64_t before = tokenizer.size();
  const std::vector<std::string> unwritable = tokenizer.unwritable_characters(lines);
  EXPECT_EQ(unwritable, (std::vector<std::string>{"\t", "\n", "<", "{", "}", "\u00bd", "\ufb01", "\U000F0000"}));
  EXPECT_EQ(tokenizer.add_tokens(unwritable), 8);
  EXPECT_EQ(tokenizer.size(), before + 8);
  for (const std::string& line : lines) EXPECT_TRUE(tokenizer.round_trips(line)) << line;
  EXPECT_TRUE(tokenizer.unwritable_characters(lines).empty());
  EXPECT_EQ(tokenizer.add_tokens({"{", "a", "", "\u2581"}), 0);
  const auto less = static_cast<int32_t>(before + 2);
  EXPECT_EQ(tokenizer.piece(less), "<");
  EXPECT_EQ(tokenizer.encode("a<b").at(tokenizer.encode("a").size()), less);

  tokenizer.save(path("saved"));
  const Tokenizer loaded = Tokenizer::load(path("saved"));
  EXPECT_EQ(loaded.fingerprint(), tokenizer.fingerprint());
  for (const std::string& line : lines) EXPECT_EQ(loaded.encode(line), tokenizer.encode(line)) << line;
  const nlohmann::json config = read_json("saved/tokenizer_config.json");
  EXPECT_EQ(config["added_tokens_decoder"][std::to_string(less)]["content"], "<");
  EXPECT_EQ(config["additional_special_tokens"].size(), 100u);
}

TEST_F(TokenizerFiles, OtherUnknownCharactersStayUnknownBesideAddedTokens) {
  Tokenizer tokenizer = Tokenizer::from_sentencepiece(t5_like_model());
  tokenizer.add_tokens({"{"});
  const auto brace = static_cast<int32_t>(tokenizer.size() - 1);
  std::vector<int32_t> ids = tokenizer.encode("a{\u4e2d\u4e2d{\U000F0000\U0010FFFF{");
  ids.erase(ids.begin(), ids.begin() + static_cast<int64_t>(tokenizer.encode("a").size()));
  EXPECT_EQ(ids, (std::vector<int32_t>{brace, 2, brace, 2, brace}));
}

TEST_F(TokenizerFiles, AddedTokensOfHuggingFaceAreRead) {
  put("spiece.model", t5_like_model());
  const int64_t base = Tokenizer::from_sentencepiece(t5_like_model()).size();
  put("tokenizer_config.json", R"({"extra_ids": 2})");
  put("added_tokens.json", nlohmann::json({{"{", base + 2}, {"<sep>", base + 3}}).dump());
  const Tokenizer tokenizer = Tokenizer::load(folder_);
  EXPECT_EQ(tokenizer.size(), base + 4);
  EXPECT_TRUE(tokenizer.round_trips("a{b<sep>c"));
  put("added_tokens.json", nlohmann::json({{"{", base + 9}}).dump());
  EXPECT_NE(message_of([&] { Tokenizer::load(folder_); }).find("gap"), std::string::npos);
}

TEST_F(TokenizerFiles, ByT5IsReadWithItsExtraIds) {
  put("byt5/tokenizer_config.json", R"({"tokenizer_class": "ByT5Tokenizer"})");
  const Tokenizer tokenizer = Tokenizer::load(path("byt5"));
  EXPECT_EQ(tokenizer.size(), 384);
  EXPECT_EQ(tokenizer.piece(259), "<extra_id_0>");
  EXPECT_EQ(tokenizer.encode("hi"), (std::vector<int32_t>{'h' + 3, 'i' + 3}));
  // What Hugging Face writes: extra_ids 0, and the extra ids among the special tokens.
  put("byt5/tokenizer_config.json",
      R"({"tokenizer_class": "ByT5Tokenizer", "extra_ids": 0, "additional_special_tokens": ["<extra_id_0>", {"content": "<extra_id_1>"}]})");
  EXPECT_EQ(Tokenizer::load(path("byt5")).size(), 261);
}

// Added tokens are looked for only where a text has the first byte of one.
TEST(TokenizerEncode, FindsTheLongestAddedTokenAnywhere) {
  Tokenizer tokenizer = Tokenizer::from_sentencepiece(t5_like_model());
  std::vector<int32_t> expected = tokenizer.encode("a");
  EXPECT_EQ(tokenizer.add_tokens({"{{", "{", "\u00bd"}), 3);
  const auto first = static_cast<int32_t>(tokenizer.size() - 3);
  for (const int32_t id : {first, first + 1, tokenizer.unk_id(), first + 2}) expected.push_back(id);
  EXPECT_EQ(tokenizer.encode("a{{{\u00bc\u00bd"), expected);  // the fractions share their first byte
}

// What is compared in place is what decode would make.
TEST(TokenizerDecode, WritesIsTheComparisonOfWhatItDecodes) {
  Tokenizer t5 = Tokenizer::from_sentencepiece(t5_like_model());
  t5.add_tokens({"{"});
  std::mt19937 generator(11);
  for (const Tokenizer& tokenizer : {t5, Tokenizer::bytes(), train("unigram", 300)}) {
    for (int i = 0; i < 2000; ++i) {
      std::vector<int32_t> ids(generator() % 6);
      for (int32_t& id : ids) id = static_cast<int32_t>(generator() % static_cast<uint32_t>(tokenizer.size() + 2)) - 1;
      const std::string text = tokenizer.decode(ids);
      EXPECT_TRUE(tokenizer.writes(ids, text)) << text;
      EXPECT_FALSE(tokenizer.writes(ids, text + "x")) << text;
      EXPECT_FALSE(tokenizer.writes(ids, "x" + text)) << text;
      EXPECT_EQ(tokenizer.writes(ids, text.substr(0, text.size() / 2)), text.empty()) << text;
    }
  }
}

TEST(TokenizerDecode, SkipsWhatIsNoText) {
  const Tokenizer tokenizer = Tokenizer::bytes();
  EXPECT_EQ(tokenizer.decode({0, 'a' + 3, 1, 'b' + 3, -1, 100000}), "ab");
  EXPECT_EQ(tokenizer.decode({2}), " \u2047 ");
  EXPECT_EQ(tokenizer.piece('a' + 3), "a");
  EXPECT_EQ(tokenizer.piece(' ' + 3), "<0x20>");
}

TEST_F(TokenizerFiles, DamagedOrMissingTokenizersAreRefusedInOneLine) {
  const std::string model = t5_like_model();
  put("config/spiece.model", model);
  put("config/tokenizer_config.json", "{\"extra_ids\": ");
  put("fast/tokenizer.json", "{}");
  fs::create_directory(path("empty"));
  std::string no_eos = model;
  no_eos.replace(no_eos.find("</s>"), 4, "<\\s>");
  std::string with_nul = model;  // which SentencePiece throws at
  with_nul[with_nul.find("</s>") + 40] = '\0';
  testing::internal::CaptureStderr();
  for (const std::string& at :
       {path("none"), path("empty"), path("fast"), path("config"), put("a.model", ""), put("b.model", "not a model"),
        put("c.model", model.substr(0, model.size() / 2)), put("d.model", no_eos), put("e.model", with_nul)}) {
    const std::string message = message_of([&] { Tokenizer::load(at); });
    EXPECT_NE(message.find(at), std::string::npos) << message;
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(TokenizerFiles, HostileConfigurationsAreRefusedInOneLine) {
  put("t5/spiece.model", t5_like_model());
  const auto config = [&](const std::string& text) {
    put("t5/tokenizer_config.json", text);
    return message_of([&] { Tokenizer::load(path("t5")); });
  };
  for (const char* count : {"4294967296", "65536", "18446744073709551616", "-1", "1.5", "\"many\""})
    EXPECT_NE(config(std::string("{\"extra_ids\": ") + count + "}").find("extra_ids: got "), std::string::npos)
        << count;
  EXPECT_EQ(config("{\"extra_ids\": 65535}"), "no CheckpointError");
  nlohmann::json sentinels = nlohmann::json::array();
  for (int i = 0; i < 131'070; ++i) sentinels.push_back("<extra_id_" + std::to_string(i) + ">");
  EXPECT_NE(config(nlohmann::json({{"additional_special_tokens", sentinels}}).dump()).find("extra_ids: got 131070"),
            std::string::npos);
  for (const size_t levels : {80'000, 1'000'000}) {
    const std::string deep = std::string(levels, '[') + std::string(levels, ']');
    EXPECT_NE(config("{\"extra_ids\": " + deep + "}").find("too deeply"), std::string::npos) << levels;
    std::string content = "\"x\"";
    for (size_t i = 0; i < levels; ++i) content += "}";
    std::string tokens;
    for (size_t i = 0; i < levels; ++i) tokens += "{\"content\":";
    EXPECT_NE(config("{\"tokenizer_class\": " + tokens + content + "}").find("too deeply"), std::string::npos)
        << levels;
  }
  config("{\"extra_ids\": 0}");
  put("t5/added_tokens.json", "{\"x\": 18446744073709551615}");
  EXPECT_NE(message_of([&] { Tokenizer::load(path("t5")); }).find("gap"), std::string::npos);
}

// Each of its bytes once: whatever SentencePiece makes of it, a throw or a status, is a damaged file or a tokenizer.
TEST_F(TokenizerFiles, DamagedModelsNeverThrowAnythingElse) {
  const std::string model = t5_like_model();
  std::mt19937 generator(3);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = model;
    for (uint32_t flips = 1 + generator() % 4; flips > 0; --flips)
      damaged[generator() % damaged.size()] = static_cast<char>(generator());
    try {
      const Tokenizer tokenizer = Tokenizer::from_sentencepiece(damaged);
      tokenizer.decode(tokenizer.encode("that is good \u00e9"));
    } catch (const CheckpointError&) {
    }
  }
}

// SentencePiece follows the links of its character map wherever they lead.
TEST(CharacterMap, DamagedLinksAndValuesAreFound) {
  const std::string model = t5_like_model();
  EXPECT_TRUE(has_sound_character_maps(model));
  EXPECT_TRUE(has_sound_character_maps(""));
  const std::string name = "nmt_nfkc";
  const size_t map = model.find(name) + name.size() + 1 + 3;  // a key and a length of three bytes
  const auto damaged = [&](size_t place, uint32_t unit) {
    std::string bytes = model;
    std::memcpy(bytes.data() + map + place, &unit, sizeof unit);
    return bytes;
  };
  uint32_t trie_bytes = 0;
  std::memcpy(&trie_bytes, model.data() + map, sizeof trie_bytes);
  ASSERT_GT(trie_bytes, 1000u);
  ASSERT_LT(trie_bytes, model.size());
  for (const std::string& bytes :
       {damaged(4, 0x7FFFFC00), damaged(4, 0xFFFFFDFF), damaged(0, 4), damaged(0, trie_bytes + 1), damaged(0, 0),
        damaged(0, 0x7FFFFFFF), model.substr(0, model.size() / 2)}) {
    EXPECT_FALSE(has_sound_character_maps(bytes));
    EXPECT_THROW(Tokenizer::from_sentencepiece(bytes), CheckpointError);
  }
}

// Nothing to search in: what looked for its first unit would look at no memory.
TEST(CharacterMap, WithoutUnitsIsDamaged) {
  const std::string no_units(4, '\0'), replacements(1, '\0');
  const std::string spec = "\x12\x05" + no_units + replacements;  // field 2, the map, 5 bytes
  for (const char field : {'\x1A', '\x2A'})                       // the normalizer's and the denormalizer's
    EXPECT_FALSE(has_sound_character_maps(std::string{field} + "\x07" + spec));
}

}  // namespace
}  // namespace tvae
