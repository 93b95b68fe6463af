// tvae train without a preset: looks at the file, chooses, says so, and keeps what the other verbs need.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

class Auto : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    const std::vector<std::string> words = {"storm", "river", "garden", "letter", "engine", "window", "market"};
    std::string rows;
    for (size_t i = 0; i < 200; ++i)
      rows += std::string(i % 3 ? "calm" : "wild") + "\tthe " + words[i % 7] + " saw a " + words[i / 7 % 7] + " " +
              std::to_string(i) + "\n";
    put("rows.tsv", rows);
  }
  std::vector<std::string> train(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"train",    "--train", path("rows.tsv"), "--out", path("m"),
                                          "--device", "cpu",     "--threads",      "1"};
    for (const std::string& setting :
         {std::string("model.d_model=16"), std::string("model.d_kv=8"), std::string("model.d_ff=16"),
          std::string("model.num_heads=2"), "data.cache_dir=" + path("cache")})
      arguments.insert(arguments.end(), {"--set", setting});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(Auto, OneCommandTrainsAndEvaluates) {
  const ProgramResult trained = run(train({"--set", "train.steps=3"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  for (const std::string part : {" rows", "column 2", "labels in 1", "held out", "nats a row"})
    EXPECT_NE(trained.err.find(part), std::string::npos) << trained.err;
  const Json record = Json::parse(get(path("m/run.json")));
  EXPECT_EQ(record["config"]["data"]["column"], "2");
  EXPECT_EQ(record["config"]["data"]["label_column"], "1");
  EXPECT_LE(record["auto"]["told"].size(), 10U);
  EXPECT_EQ(record["auto"]["settings"]["data.column"]["value"], "2");
  EXPECT_EQ(record["data"]["valid"]["path"], "held_out.jsonl");
  const std::string held_out = get(path("m/held_out.jsonl"));
  EXPECT_EQ(std::count(held_out.begin(), held_out.end(), '\n'), record["data"]["valid"]["sequences"]);
  EXPECT_TRUE(Json::parse(held_out.substr(0, held_out.find('\n'))).contains("label"));

  const std::vector<std::string> evaluate = {"eval", path("m"), "--only", "reconstruction", "--samples", "5"};
  const ProgramResult evaluated = run(evaluate);
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  EXPECT_EQ(evaluated.err.find("may have seen"), std::string::npos) << evaluated.err;
  ASSERT_EQ(run({"quantize", path("m"), "--out", path("q")}).status, 0);
  fs::remove(path("rows.tsv"));  // the run keeps what it held out
  EXPECT_EQ(run({"eval", path("q"), "--only", "reconstruction", "--samples", "5"}).status, 0);
}

TEST_F(Auto, ResumesWithWhatWasChosen) {
  std::vector<std::string> command = train({"--minutes", "0.01", "--quiet"});
  const ProgramResult trained = run(command);
  ASSERT_EQ(trained.status, 0) << trained.err;
  const std::string before = get(path("m/run.json"));
  command.push_back("--resume");
  const ProgramResult again = run(command);
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(Json::parse(get(path("m/run.json")))["config"], Json::parse(before)["config"]);
  EXPECT_EQ(run({"train", "--resume", "--out", path("m"), "--quiet"}).status, 0);
}

TEST_F(Auto, TheSameCommandGivesTheSameModel) {
  ASSERT_EQ(run(train({"--set", "train.steps=3"})).status, 0);
  const std::string weights = get(path("m/model.safetensors"));
  ASSERT_EQ(run(train({"--set", "train.steps=3", "--overwrite"})).status, 0);
  EXPECT_TRUE(get(path("m/model.safetensors")) == weights);
}

TEST_F(Auto, ConfigShowsTheChoice) {
  const ProgramResult shown =
      run({"config", "auto", "--train", path("rows.tsv"), "--set", "train.steps=3", "--explain"});
  ASSERT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(shown.out.find("data.column = \"2\"   [auto: the longest texts that differ]"), std::string::npos)
      << shown.out;
  EXPECT_NE(shown.out.find("train.steps = 3   [--set]"), std::string::npos) << shown.out;
  EXPECT_EQ(run({"config", "auto"}).status, 0) << "without a file: what does not depend on one";
}

TEST_F(Auto, RefusesWhatContradictsItself) {
  const ProgramResult both = run(train({"--minutes", "1", "--set", "train.steps=3"}));
  EXPECT_EQ(both.status, 2);
  EXPECT_NE(both.err.find("train.minutes and train.steps: got both, expected one of them"), std::string::npos)
      << both.err;
  ASSERT_EQ(run(train({"--set", "train.steps=2"})).status, 0);
  const ProgramResult from =
      run({"train", "auto", "--from", path("m"), "--train", path("rows.tsv"), "--out", path("n")});
  EXPECT_EQ(from.status, 2);
  EXPECT_NE(from.err.find("a model to start from"), std::string::npos) << from.err;
}

}  // namespace
}  // namespace tvae
