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
  for (const std::string part : {" rows", "column 2", "labels in", "held out", "nats a row"})
    EXPECT_NE(trained.err.find(part), std::string::npos) << trained.err;
  const Json record = Json::parse(get(path("m/run.json")));
  EXPECT_EQ(record["config"]["data"]["column"], "2");
  EXPECT_EQ(record["config"]["data"]["label_column"], "1");
  EXPECT_LE(record["auto"]["told"].size(), 10U);
  EXPECT_NE(record["auto"]["told"][0].get<std::string>().find("; labels in 1"), std::string::npos);
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

TEST_F(Auto, ReadsStdin) {
  const std::vector<std::string> arguments = with_arguments(train({"--set", "train.steps=2"}), {"--train", "-"});
  const auto read_from = [&] { return Json::parse(get(path("m/run.json")))["data"]["train"]["path"]; };
  const std::vector<std::string> further = {"train",    "--resume", "--out", path("m"),
                                            "--device", "cpu",      "--set", "train.steps=3"};

  const ProgramResult redirected = run(arguments, get(path("rows.tsv")));
  ASSERT_EQ(redirected.status, 0) << redirected.err;
  EXPECT_EQ(read_from(), fs::canonical(path("stdin")).string());
  EXPECT_EQ(run_with("", further, "").status, 0) << "the file can be read again";

  fs::remove_all(path("m"));
  const ProgramResult piped = run_with("cat '" + path("rows.tsv") + "' | ", arguments, "");
  ASSERT_EQ(piped.status, 0) << piped.err;
  EXPECT_NE(piped.err.find("labels in"), std::string::npos) << piped.err;
  EXPECT_EQ(read_from(), "/dev/stdin");
  const ProgramResult measured = run({"eval", path("m"), "--only", "reconstruction", "--samples", "4"});
  EXPECT_EQ(measured.status, 0) << measured.err;
  const ProgramResult alone = run_with("true | ", further, "");
  EXPECT_EQ(alone.status, 2) << alone.err;
  EXPECT_NE(alone.err.find("pipe"), std::string::npos) << alone.err;
  EXPECT_EQ(run(with_arguments(further, {"--train", path("rows.tsv")})).status, 0) << "the same rows, as a file";

  const std::vector<std::string> elsewhere = with_arguments(arguments, {"--out", path("n")});
  const ProgramResult rest = run_with("(read -r first; ", elsewhere, ") <'" + path("rows.tsv") + "'");
  EXPECT_EQ(rest.status, 2) << rest.err;
  EXPECT_NE(rest.err.find("of which a part has been read"), std::string::npos) << rest.err;
  const ProgramResult twice = run_with("true | ", with_arguments(elsewhere, {"--train", "-", "--valid", "-"}), "");
  EXPECT_EQ(twice.status, 2) << twice.err;
  EXPECT_NE(twice.err.find("twice"), std::string::npos) << twice.err;
}

// What the run knows of its columns, the other verbs know, too.
TEST_F(Auto, OtherVerbsReadAsTheRunDid) {
  ASSERT_EQ(run(train({"--set", "train.steps=2"})).status, 0);
  const std::string other = put("other.tsv", "calm\tthe storm saw a river 7\nwild\tthe letter saw a garden 8\n");
  const ProgramResult back = run({"reconstruct", path("m"), other, "--json"});
  ASSERT_EQ(back.status, 0) << back.err;
  EXPECT_NE(back.out.find("the storm saw a river 7"), std::string::npos) << back.out;
  EXPECT_EQ(Json::parse(back.out.substr(0, back.out.find('\n')))["label"], "calm") << back.out;
  const ProgramResult codes = run({"encode", path("m"), other, "--json"});
  EXPECT_NE(codes.out.find("\"the letter saw a garden 8\""), std::string::npos) << codes.out;
  const ProgramResult lines = run({"reconstruct", path("m"), "--json"}, "calm\n");
  EXPECT_NE(lines.out.find("\"calm\""), std::string::npos) << "stdin stays lines: " << lines.err;
  EXPECT_EQ(run({"reconstruct", path("m"), path("m/held_out.jsonl")}).status, 0);
  const ProgramResult missing = run({"prior", "fit", path("m"), "--data", put("one.tsv", "calm\nwild\n")});
  EXPECT_EQ(missing.status, 3);
  EXPECT_NE(missing.err.find("no column 2"), std::string::npos) << missing.err;
  const ProgramResult measured = run({"eval", path("m"), "--data", path("rows.tsv"), "--only", "reconstruction",
                                      "--samples", "4", "--out", path("r.json")});
  ASSERT_EQ(measured.status, 0) << measured.err;
  EXPECT_EQ(get(path("r.json")).find("\"calm\""), std::string::npos) << "the labels are not what is measured";
}

TEST_F(Auto, AModelToStartFromBringsItsSettings) {
  ASSERT_EQ(run(train({"--set", "train.steps=2"})).status, 0);
  const ProgramResult further = run({"train", "--from", path("m"), "--train", path("rows.tsv"), "--out", path("n"),
                                     "--device", "cpu", "--set", "train.steps=3"});
  ASSERT_EQ(further.status, 0) << further.err;
  EXPECT_NE(further.err.find("settings of " + path("m") + ", but for loss.kl.target_start="), std::string::npos)
      << further.err;
  EXPECT_NE(further.err.find(", loss.kl.target_descent=0.0, train.steps=3\n"), std::string::npos) << further.err;
  Json first = Json::parse(get(path("m/run.json")))["config"];
  const Json second = Json::parse(get(path("n/run.json")))["config"];
  Json& kl = first["loss"]["kl"];  // the model has come down to its rate
  kl["target_start"] = kl["target"];
  kl["target_descent"] = 0.0;
  for (const char* section : {"model", "loss"}) EXPECT_EQ(second[section], first[section]) << section;
  EXPECT_EQ(second["data"]["column"], "2");
  EXPECT_EQ(second["train"]["steps"], 3);
  EXPECT_EQ(run({"train", "--resume", "--out", path("n"), "--device", "cpu", "--quiet"}).status, 0);
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

TEST_F(Auto, APresetThatStartsFromItChoosesToo) {
  const std::string mine = put("mine.json", R"({"base": "auto", "set": {"train.steps": 3}})");
  const ProgramResult trained =
      run({"train", mine, "--train", path("rows.tsv"), "--out", path("m"), "--device", "cpu"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_NE(trained.err.find("column 2"), std::string::npos) << trained.err;
  EXPECT_EQ(run({"train", mine, "--train", path("rows.tsv"), "--out", path("m"), "--resume", "--quiet"}).status, 0);
}

TEST_F(Auto, AGivenColumnLeavesTheRestToIt) {
  const ProgramResult shown =
      run({"config", "auto", "--train", path("rows.tsv"), "--column", "2", "--set", "train.steps=3"});
  ASSERT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(shown.err.find("column 2 of 1, 2; labels in 1"), std::string::npos) << shown.err;
}

TEST_F(Auto, WhatIsTakenForWantOfTextsIsNamedInAWarning) {
  std::string numbers = "a,b\n";
  for (int i = 0; i < 60; ++i) numbers += std::to_string(i * 7 % 61) + "," + std::to_string(i) + "\n";
  const ProgramResult shown = run({"config", "auto", "--train", put("n.csv", numbers), "--set", "train.steps=3"});
  ASSERT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(
      shown.err.find("n.csv: column a is taken, since none looks like texts, of a, b (data.column names another)"),
      std::string::npos)
      << shown.err;
  EXPECT_NE(shown.err.find(" 54 rows"), std::string::npos) << "60 but for 9 that are held out: " << shown.err;
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
