// GPT-2's, BERT's and T5's tokenizers in the files of Hugging Face, against what Hugging Face makes of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/text/tokenizer.h"

namespace tvae {
namespace {

using Json = nlohmann::json;

std::string fixture(const std::string& name) {
  return std::string(TVAE_TEST_DATA) + "/tokenizer_" + name;
}

Json json_of(const std::string& path) {
  return Json::parse(read_file(path));
}

std::string message_of(const std::string& folder) {
  try {
    Tokenizer::load(folder);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "no CheckpointError";
}

std::vector<std::string> texts_of(const std::string& name) {
  std::vector<std::string> texts;
  for (const Json& row : json_of(fixture(name) + "/expected.json")) texts.push_back(row["text"]);
  return texts;
}

void expect_same_ids(const Tokenizer& a, const Tokenizer& b, const std::vector<std::string>& texts) {
  EXPECT_EQ(a.size(), b.size());
  for (const std::string& text : texts) EXPECT_EQ(a.encode(text), b.encode(text)) << text;
}

class TokenizerFolder : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  /// A folder with the files of a fixture that tokenizers are made of.
  std::string copy(const std::string& name) const {
    for (const char* file : {"vocab.json", "merges.txt", "vocab.txt", "tokenizer.json", "tokenizer_config.json"})
      if (file_exists(fixture(name) + "/" + file))
        folder_.put("copy/" + std::string(file), read_file(fixture(name) + "/" + file));
    return path("copy");
  }
  void put(const std::string& name, const std::string& content) const { folder_.put("copy/" + name, content); }
  void put(const std::string& name, const Json& content) const { put(name, content.dump()); }
  void remove(const std::string& name) const { std::filesystem::remove(path("copy/" + name)); }

  test::TemporaryFolder folder_;
};

class HuggingFaceTokenizer : public TokenizerFolder, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kinds, HuggingFaceTokenizer, testing::Values("gpt2", "bert_cased", "bert_uncased", "t5"));

TEST_P(HuggingFaceTokenizer, GivesTheIdsAndTextsOfHuggingFace) {
  const Tokenizer tokenizer = Tokenizer::load(fixture(GetParam()));
  for (const Json& row : json_of(fixture(GetParam()) + "/expected.json")) {
    const std::string text = row["text"];
    const std::vector<int32_t> ids = tokenizer.encode(text);
    EXPECT_EQ(ids, row["ids"].get<std::vector<int32_t>>()) << text;
    if (!row["unknown"]) {
      EXPECT_EQ(tokenizer.decode(ids), row["decoded"].get<std::string>()) << text;
    }
    EXPECT_EQ(tokenizer.writes(ids, text), tokenizer.decode(ids) == text) << text;
  }
}

TEST_P(HuggingFaceTokenizer, ComesBackFromWhereItIsSaved) {
  const Tokenizer tokenizer = Tokenizer::load(fixture(GetParam()));
  tokenizer.save(path("saved"));
  const Tokenizer saved = Tokenizer::load(path("saved"));
  EXPECT_EQ(saved.fingerprint(), tokenizer.fingerprint());
  EXPECT_EQ(saved.pad_id(), tokenizer.pad_id());
  EXPECT_EQ(saved.eos_id(), tokenizer.eos_id());
  EXPECT_EQ(saved.unk_id(), tokenizer.unk_id());
  expect_same_ids(saved, tokenizer, texts_of(GetParam()));
}

TEST_P(HuggingFaceTokenizer, EncodesFromManyThreadsAtOnce) {
  const Tokenizer tokenizer = Tokenizer::load(fixture(GetParam()));
  const std::vector<std::string> texts = texts_of(GetParam());
  std::vector<std::vector<int32_t>> expected;
  for (const std::string& text : texts) expected.push_back(tokenizer.encode(text));
  const Tokenizer fresh = Tokenizer::load(fixture(GetParam()));  // which has met no word
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (size_t i = 0; i < texts.size(); ++i) count += fresh.encode(texts[i]) != expected[i];
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(FastTokenizer, TheTokenizerJsonOfHuggingFaceIsTheSame) {
  for (const std::string name : {"gpt2", "bert_cased", "bert_uncased"}) {
    const Tokenizer tokenizer = Tokenizer::load(fixture(name)), fast = Tokenizer::load(fixture(name) + "/fast");
    EXPECT_EQ(fast.fingerprint(), tokenizer.fingerprint()) << name;
    expect_same_ids(fast, tokenizer, texts_of(name));
  }
}

TEST_F(TokenizerFolder, TheTokenizerJsonOfOurOwnTokenizersIsTheSame) {
  std::vector<std::string> texts = texts_of("gpt2");
  for (const char* more : {"\u2581", "a\u2581b", "<0x41>", "</s>", "\xff\xfe", "\xe2\x96"}) texts.emplace_back(more);
  for (const std::string kind : {"unigram", "bpe", "char"}) {
    testing::internal::CaptureStderr();
    const Tokenizer trained = train_tokenizer(texts, {.kind = kind, .vocab_size = 400});
    testing::internal::GetCapturedStderr();
    trained.save(path("copy"));
    const std::string written = read_file(path("copy/tokenizer.json"));
    remove("spiece.model");
    const Tokenizer read = Tokenizer::load(path("copy"));
    expect_same_ids(read, trained, texts);
    for (const std::string& text : texts) EXPECT_TRUE(read.round_trips(text)) << text;
    read.save(path("copy"));
    EXPECT_EQ(read_file(path("copy/tokenizer.json")), written) << kind;
  }
}

TEST(ByteBpe, WritesEveryTextButItsSpecialTokens) {
  const Tokenizer tokenizer = Tokenizer::load(fixture("gpt2"));
  EXPECT_TRUE(tokenizer.writes_anything());
  std::mt19937 generator(5);
  for (int i = 0; i < 3000; ++i) {
    std::string text(generator() % 40, '\0');
    for (char& c : text) c = static_cast<char>(generator() % (i % 2 == 0 ? 256 : 4) + (i % 2 == 0 ? 0 : ' '));
    ASSERT_TRUE(tokenizer.round_trips(text)) << text;
  }
  EXPECT_FALSE(tokenizer.round_trips("a<|endoftext|>b"));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a<|endoftext|>b")), "ab");
  EXPECT_EQ(tokenizer.encode("<|endoftext|>"), std::vector<int32_t>{tokenizer.eos_id()});
}

TEST(ByteBpe, TakesWordsOfAnyLength) {
  const Tokenizer tokenizer = Tokenizer::load(fixture("gpt2"));
  for (const std::string& word : {std::string(200'000, 'a'), std::string(200'000, ' '), std::string(200'000, '\xff')})
    EXPECT_TRUE(tokenizer.round_trips(word));
}

// A vocabulary with one special token uses it for all; OPTIMUS adds a pad and an end of its own.
TEST_F(TokenizerFolder, SpecialTokensAreThoseThatTheFilesName) {
  const Tokenizer plain = Tokenizer::load(copy("gpt2"));
  const auto end = static_cast<int32_t>(plain.size() - 1);
  for (const int32_t id : {plain.pad_id(), plain.eos_id(), plain.unk_id()}) EXPECT_EQ(id, end);
  put("added_tokens.json", Json{{"<PAD>", end + 1}, {"<BOS>", end + 2}, {"<EOS>", end + 3}});
  EXPECT_EQ(Tokenizer::load(path("copy")).eos_id(), end);
  put("special_tokens_map.json",
      Json{{"pad_token", "<PAD>"}, {"bos_token", "<BOS>"}, {"eos_token", {{"content", "<EOS>"}}}});
  const Tokenizer optimus = Tokenizer::load(path("copy"));
  EXPECT_EQ(optimus.size(), plain.size() + 3);
  EXPECT_EQ(optimus.pad_id(), end + 1);
  EXPECT_EQ(optimus.eos_id(), end + 3);
  EXPECT_EQ(optimus.unk_id(), end);
  EXPECT_EQ(optimus.decode(optimus.encode("a<BOS>b")), "ab");
  optimus.save(path("saved"));
  EXPECT_EQ(Tokenizer::load(path("saved")).fingerprint(), optimus.fingerprint());
  EXPECT_EQ(json_of(path("saved/tokenizer_config.json"))["bos_token"], "<BOS>");

  put("special_tokens_map.json", Json{{"pad_token", "<none>"}});
  EXPECT_NE(message_of(path("copy")).find("its pad_token \"<none>\" has no id"), std::string::npos);

  const Tokenizer bert = Tokenizer::load(fixture("bert_cased"));
  EXPECT_EQ(bert.piece(bert.pad_id()), "[PAD]");
  EXPECT_EQ(bert.piece(bert.eos_id()), "[SEP]");
  EXPECT_EQ(bert.piece(bert.unk_id()), "[UNK]");
}

TEST_F(TokenizerFolder, WordPieceTellsWhatItLoses) {
  Tokenizer tokenizer = Tokenizer::load(copy("bert_uncased"));
  EXPECT_FALSE(tokenizer.writes_anything());
  for (const char* kept : {"the quick brown fox.", "we've said: they'll come, and", "don't you think so? no"})
    EXPECT_EQ(tokenizer.round_trips(kept), tokenizer.decode(tokenizer.encode(kept)) == kept) << kept;
  EXPECT_TRUE(tokenizer.round_trips("the quick brown fox."));
  for (const char* lost : {"The quick brown fox.", "the  quick", " the", "the .", "caf\u00e9", "[MASK]"})
    EXPECT_FALSE(tokenizer.round_trips(lost)) << lost;
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("the \u03b6 fox")), "the [UNK] fox");
  EXPECT_EQ(tokenizer.text_of(tokenizer.encode("the").front()), " the");

  // What it has no piece for, not what it writes otherwise.
  const std::vector<std::string> lines = {"The \u03b6 {fox}.", "caf\u00e9\t\u4e2d"};
  const std::vector<std::string> unwritable = tokenizer.unwritable_characters(lines);
  EXPECT_EQ(unwritable, (std::vector<std::string>{"{", "}", "\u03b6", "\u4e2d"}));
  const int64_t before = tokenizer.size();
  EXPECT_EQ(tokenizer.add_tokens(unwritable), 4);
  EXPECT_EQ(tokenizer.encode("the {fox").at(1), before);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("the \u03b6 fox")), "the \u03b6 fox");
  tokenizer.save(path("saved"));
  const Tokenizer saved = Tokenizer::load(path("saved"));
  EXPECT_EQ(saved.fingerprint(), tokenizer.fingerprint());
  expect_same_ids(saved, tokenizer, lines);
}

TEST_F(TokenizerFolder, AVocabularyWithoutCapitalsIsUncasedWhereNoFileSays) {
  for (const std::string name : {"bert_cased", "bert_uncased"}) {
    copy(name);
    remove("tokenizer_config.json");
    expect_same_ids(Tokenizer::load(path("copy")), Tokenizer::load(fixture(name)), texts_of(name));
  }
  const Tokenizer uncased = Tokenizer::load(path("copy"));
  put("tokenizer_config.json", Json{{"do_lower_case", false}});
  EXPECT_NE(Tokenizer::load(path("copy")).fingerprint(), uncased.fingerprint());
  put("tokenizer_config.json", Json{{"do_lower_case", true}, {"strip_accents", false}});
  const Tokenizer accents = Tokenizer::load(path("copy"));
  EXPECT_EQ(accents.encode("THE"), uncased.encode("the"));
  EXPECT_NE(accents.encode("a\u0301"), uncased.encode("a\u0301"));
}

TEST_F(TokenizerFolder, SavingReplacesTheTokenizerThatIsThere) {
  for (const std::string name : {"gpt2", "bert_cased", "t5", "gpt2"}) {
    Tokenizer::load(fixture(name)).save(path("copy"));
    EXPECT_EQ(Tokenizer::load(path("copy")).fingerprint(), Tokenizer::load(fixture(name)).fingerprint()) << name;
  }
  for (const char* stale : {"vocab.txt", "spiece.model", "tokenizer.json"})
    EXPECT_FALSE(file_exists(path("copy/") + stale));
}

TEST_F(TokenizerFolder, DamagedVocabulariesAreRefusedInOneLine) {
  copy("gpt2");
  const std::string vocabulary = read_file(path("copy/vocab.json")), merges = read_file(path("copy/merges.txt"));
  const auto said = [&](const std::string& file, const std::string& content) {
    put(file, content);
    const std::string message = message_of(path("copy"));
    put("vocab.json", vocabulary);
    put("merges.txt", merges);
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_NE(message.find(path("copy")), std::string::npos) << message;
    return message;
  };
  const auto with = [&](const std::string& piece, const Json& id) {
    Json changed = Json::parse(vocabulary);
    changed[piece] = id;
    return changed.dump();
  };
  const auto contains = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  contains(said("vocab.json", vocabulary.substr(0, vocabulary.size() / 2)), "is not a JSON object");
  contains(said("vocab.json", "[]"), "is not a JSON object");
  contains(said("vocab.json", "{}"), "no piece for the byte 0");
  contains(said("vocab.json", with("!", 3)), "which \"");
  for (const Json& id : {Json(-1), Json(100000), Json("1"), Json(1.5), Json()})
    contains(said("vocab.json", with("!", id)), "the id of \"!\": got " + id.dump() + ", expected ids from 0 to 420");
  contains(said("vocab.json", with("new", 422)), "expected ids from 0 to 421, each once");
  contains(said("merges.txt", ""), "damaged merges");
  contains(said("merges.txt", "a b\n"), "got a b, expected #version: 0.2");
  contains(said("merges.txt", "#version: 0.2\na b c\n"), "at line 2: got a b c");
  contains(said("merges.txt", "#version: 0.2\nq q\n"), "a piece \"qq\" in the vocabulary");
  contains(said("merges.txt", merges + merges.substr(merges.find('\n') + 1)), "twice");
  remove("merges.txt");
  contains(message_of(path("copy")), "no tokenizer in");

  folder_.put("bert/vocab.txt", "[PAD]\n[UNK]\n[SEP]\na\nb\na\n");
  contains(message_of(path("bert")), "has a piece twice: got \"a\" as id 3 and id 5");
  folder_.put("bert/vocab.txt", "");
  contains(message_of(path("bert")), "got no pieces");
  folder_.put("bert/vocab.txt", "[PAD]\n[SEP]\na\n");
  contains(message_of(path("bert")), "it has no unknown piece: expected a piece [UNK]");
  folder_.put("bert/vocab.txt", "[PAD]\n[UNK]\na\n");
  contains(message_of(path("bert")), "its eos_token \"[SEP]\" has no id");
}

TEST_F(TokenizerFolder, SettingsThatAreNotDoneHereAreNamed) {
  const auto contains = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const auto config = [&](const std::string& kind, const Json& settings) {
    copy(kind);
    put("tokenizer_config.json", settings);
    const std::string message = message_of(path("copy"));
    std::filesystem::remove_all(path("copy"));
    return message;
  };
  contains(config("gpt2", {{"tokenizer_class", "RobertaTokenizer"}}), "its class: got RobertaTokenizer, expected GPT2");
  contains(config("gpt2", {{"add_prefix_space", true}}), "add_prefix_space: got true, expected false");
  contains(config("bert_cased", {{"do_basic_tokenize", false}}), "do_basic_tokenize: got false, expected true");
  contains(config("bert_cased", {{"never_split", {"a"}}}), "never_split: got [\"a\"], expected null");
  contains(config("gpt2", {{"added_tokens_decoder", {{"421", {{"content", "<m>"}, {"lstrip", true}}}}}}),
           "the added token \"<m>\"");
  contains(config("bert_cased", {{"added_tokens_decoder", {{"5", {{"content", "zebra"}}}}}}),
           "expected an id of its own");
  contains(config("bert_cased", {{"added_tokens_decoder", {{"900", {{"content", "zebra"}}}}}}), "have a gap");
}

TEST_F(TokenizerFolder, PartsOfATokenizerJsonThatAreNotDoneHereAreNamed) {
  const auto refused = [&](const std::string& fixture_name, const std::string& place, const Json& value) {
    Json json = json_of(fixture(fixture_name) + "/tokenizer.json");
    json[Json::json_pointer(place)] = value;
    folder_.put("fast/tokenizer.json", json.dump());
    const std::string message = message_of(path("fast")), file = path("fast/tokenizer.json");
    return message.starts_with(file) ? message.substr(file.size()) : message;
  };
  const std::string gpt2 = "gpt2/fast", bert = "bert_cased/fast", t5 = "t5";
  EXPECT_EQ(refused(gpt2, "/normalizer", {{"type", "NFC"}}), ": the normalizer: got NFC, expected null");
  EXPECT_EQ(refused(gpt2, "/pre_tokenizer", nullptr), ": the pre_tokenizer: got null, expected ByteLevel");
  EXPECT_EQ(refused(gpt2, "/pre_tokenizer/add_prefix_space", true),
            ": the pre_tokenizer's add_prefix_space: got true, expected false");
  EXPECT_EQ(refused(gpt2, "/decoder", {{"type", "Fuse"}}), ": the decoder: got Fuse, expected ByteLevel");
  EXPECT_EQ(refused(gpt2, "/model/dropout", 0.1), ": the model's dropout: got 0.1, expected null");
  EXPECT_EQ(refused(gpt2, "/model/ignore_merges", true), ": the model's ignore_merges: got true, expected false");
  EXPECT_EQ(refused(gpt2, "/model/type", "WordLevel"),
            ": the model: got WordLevel, expected Unigram, BPE or WordPiece");
  EXPECT_EQ(refused(bert, "/model/max_input_chars_per_word", 200),
            ": the model's max_input_chars_per_word: got 200, expected 100");
  EXPECT_EQ(refused(bert, "/model/continuing_subword_prefix", "@@"),
            ": the model's continuing_subword_prefix: got \"@@\", expected \"##\"");
  EXPECT_EQ(refused(bert, "/normalizer/clean_text", false), ": the normalizer's clean_text: got false, expected true");
  EXPECT_EQ(refused(bert, "/pre_tokenizer", {{"type", "Whitespace"}}),
            ": the pre_tokenizer: got Whitespace, expected BertPreTokenizer");
  EXPECT_EQ(refused(t5, "/normalizer", {{"type", "NFKC"}}),
            ": the normalizer: got NFKC, expected Precompiled or Sequence of Precompiled, Strip, Replace");
  EXPECT_EQ(refused(t5, "/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "\u2581"}}),
            ": the pre_tokenizer: got Metaspace, expected WhitespaceSplit before it");
  EXPECT_EQ(refused(t5, "/model/unk_id", 5000), ": the model's unk_id: got 5000, expected an id of one of its pieces");
  EXPECT_EQ(refused(t5, "/normalizer/precompiled_charsmap", "*"),
            ": the precompiled_charsmap: got no base64, expected base64");
  for (const char* damage :
       {"/model/vocab", "/model", "/added_tokens", "/model/unk_id", "/normalizer/precompiled_charsmap"})
    for (const Json& value : {Json(), Json("x"), Json(-1), Json::array({1}), Json::object({{"a", 1}})}) {
      const std::string message = refused(t5, damage, value);
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
}

}  // namespace
}  // namespace tvae
