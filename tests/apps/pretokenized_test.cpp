// A run on OPTIMUS's ids, and the verbs that read such files for its model.
#include "tests/apps/program.h"

namespace tvae {
namespace {

class PretokenizedVerbs : public ProgramTest {
 protected:
  /// BERT's ids of its special tokens, and four words from 104 on.
  std::string tokenizer() {
    std::string lines = "[PAD]\n";
    for (int i = 1; i < 100; ++i) lines += "[unused" + std::to_string(i) + "]\n";
    std::filesystem::create_directories(path("bert"));
    put("bert/vocab.txt", lines + "[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nlast\n##ing\n.\n");
    return path("bert");
  }
};

TEST_F(PretokenizedVerbs, ReadAHeldOutFileOfIdsAsTheRunDid) {
  std::string sentences;
  for (int i = 0; i < 30; ++i)
    sentences += std::string(i > 0 ? "," : "") + R"({"bert_token": [101, 104, 105, 106, 107, 102]},)" +
                 R"({"bert_token": [101, 105, 104, 102]})";
  put("train.json", "[" + sentences + "]");
  put("valid.json", R"([{"bert_token": [101, 104, 107, 102]}, {"bert_token": [101, 105, 106, 107, 102]},
                          {"bert_token": [101, 105, 104, 107, 102]}])");
  std::vector<std::string> command = {"train",   "lines_small",      "--train", path("train.json"),
                                      "--valid", path("valid.json"), "--out",   path("run")};
  for (const char* setting :
       {"data.tokens=bert", "data.check=none", "model.d_model=16", "model.d_ff=16", "model.d_kv=8", "model.num_heads=2",
        "model.encoder_layers=1", "model.decoder_layers=1", "train.steps=2", "train.eval_steps=0"})
    command.insert(command.end(), {"--set", setting});
  command.insert(command.end(), {"--set", "data.tokenizer=" + tokenizer()});
  const ProgramResult trained = run(command);
  ASSERT_EQ(trained.status, 0) << trained.err;
  const ProgramResult evaluated = run({"eval", path("run"), "--only", "reconstruction", "--json"});
  EXPECT_EQ(evaluated.status, 0) << evaluated.err;
  EXPECT_NE(evaluated.out.find("\"n\":3"), std::string::npos) << evaluated.out;
  const ProgramResult back = run({"encode", path("run"), path("valid.json")});
  EXPECT_EQ(back.status, 0) << back.err;
  EXPECT_EQ(std::count(back.out.begin(), back.out.end(), '\n'), 3) << back.out;
  put("texts.txt", "the last.\n");
  EXPECT_EQ(run({"encode", path("run"), path("texts.txt")}).status, 0) << "lines of text are lines of text";
}

}  // namespace
}  // namespace tvae
