#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

namespace tvae {
namespace {

const std::string kText =
    "def add(a, b): return a + b\n"
    "\n"
    "  x = {a: b<c}  \n"
    "tab\there\n"
    "<unk> \u2581 caf\u00e9\n";

class TokenizerVerb : public ProgramTest {
 protected:
  ProgramResult train(const std::string& kind, const std::string& input = kText) const {
    return run({"tokenizer", "train", "--kind", kind, "--vocab-size", "320", "--out", path(kind), "-"}, input);
  }
};

TEST_F(TokenizerVerb, TrainedTokenizersGiveEveryLineBack) {
  for (const std::string kind : {"unigram", "bpe"}) {
    const ProgramResult trained = train(kind);
    ASSERT_EQ(trained.status, 0) << trained.err;
    EXPECT_NE(trained.out.find(path(kind) + ": "), std::string::npos);
    const ProgramResult encoded = run({"tokenizer", "encode", path(kind)}, kText);
    EXPECT_EQ(encoded.status, 0) << encoded.err;
    EXPECT_EQ(encoded.out.find_first_not_of("0123456789 \n"), std::string::npos);
    const ProgramResult decoded = run({"tokenizer", "decode", path(kind)}, encoded.out);
    EXPECT_EQ(decoded.out, kText) << kind;
  }
}

TEST_F(TokenizerVerb, BytesAreTheIdsOfByT5) {
  ASSERT_EQ(train("byte").status, 0);
  EXPECT_EQ(run({"tokenizer", "encode", path("byte")}, "hi\n\n").out, "107 108\n\n");
  EXPECT_EQ(run({"tokenizer", "encode", path("byte"), put("in.txt", "hi")}).out, "107 108\n");
  const ProgramResult returns = run({"tokenizer", "encode", path("byte")}, "hi\rhi\r");
  EXPECT_EQ(returns.out, "107 108\n107 108\n");
  EXPECT_NE(returns.err.find("stdin has no line feeds"), std::string::npos) << returns.err;
}

TEST_F(TokenizerVerb, JsonGoesBothWays) {
  ASSERT_EQ(train("byte").status, 0);
  const ProgramResult encoded = run({"tokenizer", "encode", "--json", path("byte")}, "hi\n\n");
  EXPECT_EQ(encoded.out, "[107,108]\n[]\n");
  EXPECT_EQ(run({"tokenizer", "decode", path("byte"), "--json"}, encoded.out).out,
            "{\"text\":\"hi\"}\n{\"text\":\"\"}\n");
  const ProgramResult trained =
      run({"tokenizer", "train", "--json", "--kind", "byte", "--out", path("b"), put("in.txt", "a\nb\n")});
  EXPECT_EQ(nlohmann::json::parse(trained.out),
            (nlohmann::json{{"out", path("b")}, {"kind", "byte"}, {"size", 259}, {"lines", 2}}));
}

TEST_F(TokenizerVerb, FoldersOfHuggingFaceAreRead) {
  const std::string text = "It's a caf\u00e9.\n\n  two  spaces\n";
  const std::string gpt2 = TVAE_TEST_DATA "/tokenizer_gpt2", bert = TVAE_TEST_DATA "/tokenizer_bert_cased";
  EXPECT_EQ(run({"tokenizer", "decode", gpt2}, run({"tokenizer", "encode", gpt2}, text).out).out, text);
  EXPECT_EQ(run({"tokenizer", "decode", bert}, run({"tokenizer", "encode", bert}, text).out).out,
            "It's a caf\u00e9.\n\ntwo spaces\n");
}

TEST_F(TokenizerVerb, EscapesStandForLineEndsInsideALine) {
  ASSERT_EQ(train("byte").status, 0);
  const std::string ids = run({"tokenizer", "encode", "--escapes", path("byte")}, "a\\nb\\\\\n").out;
  EXPECT_EQ(ids, "100 13 101 95\n");
  EXPECT_EQ(run({"tokenizer", "decode", "--escapes", path("byte")}, ids).out, "a\\nb\\\\\n");
  EXPECT_EQ(run({"tokenizer", "decode", path("byte")}, ids).out, "a\nb\\\n");
}

TEST_F(TokenizerVerb, WrongIdsAreRefusedWithTheirLine) {
  ASSERT_EQ(train("byte").status, 0);
  for (const std::string wrong : {"259", "-1", "x", "1.5", "99999999999999999999"}) {
    const ProgramResult result = run({"tokenizer", "decode", path("byte")}, "107 108\n107 " + wrong + "\n");
    EXPECT_EQ(result.status, 3);
    EXPECT_EQ(result.err, "tvae: - line 2: got " + wrong + ", expected an id of 0 to 258\n");
  }
}

TEST_F(TokenizerVerb, WhatCannotWorkIsOneLineAndTheRightStatus) {
  const std::string file = put("in.txt", "some text\n");
  const std::vector<std::pair<std::vector<std::string>, int>> cases = {
      {{"tokenizer"}, 2},
      {{"tokenizer", "learn"}, 2},
      {{"tokenizer", "train", file}, 2},
      {{"tokenizer", "train", "--out", path("out"), "--kind", "wordpiece", file}, 2},
      {{"tokenizer", "train", "--out", path("out"), "--vocab-size", "10", file}, 2},
      {{"tokenizer", "train", "--out", path("out"), put("empty.txt", "")}, 3},
      {{"tokenizer", "train", "--out", path("out"), path("missing.txt")}, 3},
      {{"tokenizer", "train", "--out", file, file}, 3},
      {{"tokenizer", "encode", path("missing")}, 3},
      {{"tokenizer", "encode", folder_}, 3},
      {{"tokenizer", "encode", file}, 3},
  };
  for (const auto& [arguments, status] : cases) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_EQ(result.out, "");
    const std::string last = result.err.substr(result.err.rfind("tvae: "));
    EXPECT_EQ(std::count(last.begin(), last.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(path("out")));
  }
}

}  // namespace
}  // namespace tvae
