#include "tvae/run/run_record.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/config/presets.h"
#include "tvae/run/model_card.h"

namespace tvae {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

RunRecord some_record() {
  RunRecord record;
  record.config.data.train = "/data/caf\u00e9.txt";
  record.config.train.seed = 7;
  record.requested = record.config;
  record.config.model.vocab_size = 300;
  record.config.model.sequence_length = 24;
  record.parameters = 12345;
  record.vocabulary = 259;
  record.train = {record.config.data.train, 10, 100, 1, 2, "00ff"};
  record.valid = DataRecord{"/data/valid.txt", 3, 30, 0, 0, "00fe"};
  record.from = "/runs/b";
  record.ancestors = {{"b", {"b.txt", 5, 50, 0, 0, ""}, {6, 6, 60.0, std::nullopt}}, {"a", {}, {}}};
  record.training = {3, 9, 120.0, TrainingRecord::Scores{kNan, 0.5}};
  return record;
}

TEST(RunRecord, ComesBackAsItWasWritten) {
  const test::TemporaryFolder folder;
  const RunRecord record = some_record();
  write_run_record(folder.path(), record);
  const RunRecord back = read_run_record(folder.path()).value();
  EXPECT_TRUE(differing_keys(record.config, back.config).empty());
  EXPECT_TRUE(differing_keys(record.requested, back.requested).empty());
  EXPECT_EQ(back.requested.model.vocab_size, 0);
  EXPECT_EQ(back.config.model.vocab_size, 300);
  EXPECT_EQ(back.parameters, 12345);
  EXPECT_EQ(back.vocabulary, 259);
  EXPECT_EQ(back.train.path, record.train.path);
  EXPECT_EQ(back.train.fingerprint, "00ff");
  EXPECT_EQ(back.valid->tokens, 30);
  EXPECT_EQ(back.from, "/runs/b");
  ASSERT_EQ(back.ancestors.size(), 2u);
  EXPECT_EQ(back.ancestors[0].data.path, "b.txt");
  EXPECT_EQ(back.ancestors[0].training.seconds, 60.0);
  EXPECT_EQ(back.training.planned_steps, 9);
  EXPECT_TRUE(std::isnan(back.training.held_out->cross_entropy)) << "NaN stays NaN";
  EXPECT_EQ(back.training.held_out->token_accuracy, 0.5);
  EXPECT_EQ(model_card(back), model_card(record));
}

TEST(RunRecord, OfAnOlderVersionIsRead) {
  const RunRecord record = read_run_record(TVAE_TEST_DATA "/older_run").value();
  EXPECT_EQ(record.config.data.check, "python");
  EXPECT_EQ(record.config.model.latent_size, 32);
  EXPECT_EQ(record.train.sequences, 210174);
  EXPECT_EQ(record.valid->fingerprint, "9f8da992e91fd758");
  EXPECT_EQ(record.weights, "int8");
  EXPECT_TRUE(record.unknown_keys.empty());
  RunRecord child;
  child.ancestors = ancestors_with("models/python_lines/", &record);
  child.older_past = record.older_past;
  EXPECT_NE(model_card(child).find("- started from: python_lines\n"
                                   "  - training data: train.txt, 210174 sequences, 2547700 tokens\n"
                                   "  - steps: 3000\n"
                                   "  - started from: first_int8\n"
                                   "    - training data: train.txt, 210174 sequences, 2547700 tokens\n"),
            std::string::npos)
      << model_card(child);
}

TEST(RunRecord, CardsNameAllFiles) {
  EXPECT_EQ(file_names("a/b.txt"), "b.txt");
  EXPECT_EQ(file_names("a/b.txt|c/d.csv"), "b.txt, d.csv");
  EXPECT_EQ(file_names("a|b|c|d|e"), "a, b, c, 2 more");
  RunRecord record;
  record.train.path = "/x/a.txt|/y/b.txt";
  EXPECT_NE(model_card(record).find("training data: a.txt, b.txt,"), std::string::npos) << model_card(record);
}

TEST(RunRecord, IsAbsentDamagedOrOfAnotherVersion) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(read_run_record(folder.path()).has_value());
  for (const std::string damaged :
       {"{", "[]", "{}", R"({"config": 3})", R"({"config": {"train": 3}})", R"({"config": {"train": {"steps": "x"}}})",
        R"({"config": {}, "data": {"train": 3}})", R"({"config": {}, "from": 3})",
        R"({"config": {}, "parameters": 1e300})", R"({"config": {}, "training": {"steps": 18446744073709551615}})"}) {
    folder.put("run.json", damaged);
    EXPECT_THROW(read_run_record(folder.path()), CheckpointError) << damaged;
  }
  folder.put("run.json", R"({"config": {"train": {"stepz": 1, "steps": 5}}})");
  const RunRecord newer = read_run_record(folder.path()).value();
  EXPECT_EQ(newer.unknown_keys, std::vector<std::string>{"train.stepz"});
  EXPECT_EQ(newer.config.train.steps, 5);
}

TEST(RunRecord, ExactNumbersSurviveJson) {
  for (const double value :
       {0.0, -1.5, 1e300, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 0.1})
    EXPECT_EQ(exact_number(nlohmann::ordered_json::parse(exact_number(value).dump())), value);
  EXPECT_TRUE(std::isnan(exact_number(nlohmann::ordered_json::parse(exact_number(kNan).dump()))));
  EXPECT_TRUE(std::isnan(exact_number(nlohmann::ordered_json()))) << "null, as earlier versions wrote it";
}

}  // namespace
}  // namespace tvae
