#include "tvae/eval/protocol.h"

#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using test::saved_model;

std::vector<std::string> some_texts(int64_t count) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count; ++i) texts.push_back("line " + std::to_string(i * 7919 % 1000));
  return texts;
}

Json evaluate(const Model& model, EvaluationOptions options, const std::vector<std::string>& texts = some_texts(30)) {
  Evaluation evaluation(model, sample_held_out(model, "held_out.txt", texts, options.samples, options.seed), options);
  return run_protocol(evaluation);
}

/// `without` the seconds, which differ from run to run.
Json timeless(Json report) {
  for (auto& [name, section] : report.items())
    if (section.is_object()) section.erase("seconds");
  return report;
}

class Protocol : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
};

TEST_F(Protocol, ReportsEveryKeyOfTheContract) {
  const Model model = saved_model(folder_.path("m"), "gaussian", "mnist");
  EvaluationOptions options;
  options.samples = 20;
  options.training_texts = std::make_shared<TextSet>(folder_.put("train.txt", "line 1\nline 2\n"), ReadOptions{});
  save_prior(model, "gaussian", fit_gaussian(encode_texts(model, some_texts(60)).mean, {}));
  const Json report = evaluate(model, options);
  const std::map<std::string, std::vector<std::string>> contract = {
      {"reconstruction",
       {"exact_match", "token_accuracy", "edit_similarity", "bleu", "teacher_forced_accuracy", "teacher_forced_nats",
        "untokenizable"}},
      {"interpolation", {"valid", "endpoint_valid", "distinct", "smoothness", "largest_step", "monotonic", "path"}},
      {"prior", {"normal", "fitted"}},
      {"shape",
       {"active_units", "latent_dims", "mmd2", "mmd2_noise_floor", "effective_rank", "hole_curve", "cycle_cosine"}}};
  for (const auto& [name, keys] : contract) {
    ASSERT_TRUE(report.contains(name)) << name;
    for (const std::string& key : keys) EXPECT_TRUE(report[name].contains(key)) << name << "." << key;
  }
  for (const char* which : {"normal", "fitted"})
    for (const char* key : {"valid", "unique", "novel", "length_distance", "ngram_js"})
      EXPECT_TRUE(report["prior"][which].contains(key)) << which << "." << key;
  EXPECT_EQ(report["prior"]["fitted"]["kind"], "gaussian");
  EXPECT_TRUE(report["prior"]["fitted"]["log_density"].is_number());
  ASSERT_EQ(report["shape"]["hole_curve"].size(), 5u);
  EXPECT_EQ(report["shape"]["hole_curve"][0]["radius"], 0.0);
  EXPECT_TRUE(report["shape"]["hole_curve"][0].contains("valid"));
  EXPECT_TRUE(report["skipped"].empty()) << report["skipped"];
}

TEST_F(Protocol, EverySectionIsRunAloneSeededAndShownInTheTable) {
  const Model model = saved_model(folder_.path("m"));
  EvaluationOptions options;
  options.samples = 10;
  const Json whole = evaluate(model, options);
  for (const EvaluationSection& section : evaluation_sections()) {
    options.only = {section.name};
    const Json report = evaluate(model, options);
    ASSERT_TRUE(report.contains(section.name)) << section.name;
    EXPECT_EQ(report[section.name]["n"], 10) << section.name;
    EXPECT_EQ(report[section.name]["seed"], 42) << section.name;
    EXPECT_GE(report[section.name]["seconds"].get<double>(), 0.0) << section.name;
    EXPECT_EQ(timeless(report)[section.name], timeless(whole)[section.name]) << section.name;
    for (const EvaluationSection& other : evaluation_sections())
      EXPECT_EQ(report["skipped"].contains(other.name), other.name != section.name) << other.name;
    const std::vector<std::string> table = report_table(report);
    EXPECT_NE(std::find(table.begin(), table.end(), section.name), table.end()) << section.name;
  }
}

TEST_F(Protocol, WhatDoesNotApplyIsSkippedWithItsReason) {
  const Model model = saved_model(folder_.path("m"), "deterministic");
  EvaluationOptions options;
  options.samples = 5;
  options.no_training_texts = "no training file";
  const Json report = evaluate(model, options, {"only one"});
  EXPECT_FALSE(report.contains("interpolation"));
  EXPECT_FALSE(report.contains("shape"));
  EXPECT_FALSE(report["prior"].contains("fitted"));
  EXPECT_FALSE(report["prior"]["normal"].contains("valid"));
  for (const char* key : {"interpolation", "shape", "prior.fitted", "prior.novel", "valid"})
    EXPECT_TRUE(report["skipped"].contains(key)) << key;
  EXPECT_EQ(report["skipped"]["prior.novel"], "no training file");
}

TEST_F(Protocol, DeterministicCodesHaveNoRate) {
  const Model model = saved_model(folder_.path("m"), "deterministic");
  EvaluationOptions options;
  options.samples = 5;
  const Json report = evaluate(model, options);
  EXPECT_FALSE(report["shape"].contains("rate_nats"));
  EXPECT_TRUE(report["skipped"].contains("shape.rate_nats"));
  EXPECT_EQ(report["shape"]["hole_curve_unit"], "1");
}

TEST_F(Protocol, HeldOutTextsAreThoseTheModelCanWrite) {
  const Model model = saved_model(folder_.path("m"));
  const std::string overlong(40, 'x');
  const HeldOut data = sample_held_out(model, "f", {"a", overlong, "b", "c"}, 10, 1);
  EXPECT_EQ(data.texts.size(), 3u);
  EXPECT_EQ(data.overlong, 1);
  EXPECT_EQ(data.untokenizable, 0);
  EXPECT_EQ(data.ids[0].size(), 2u);  // a byte and the end of sequence
  EXPECT_EQ(sample_held_out(model, "f", some_texts(50), 10, 1).texts,
            sample_held_out(model, "f", some_texts(50), 10, 1).texts);
  EXPECT_NE(sample_held_out(model, "f", some_texts(50), 10, 1).texts,
            sample_held_out(model, "f", some_texts(50), 10, 2).texts);
  EXPECT_THROW(sample_held_out(model, "f", {overlong}, 10, 1), DataError);
}

TEST_F(Protocol, UnknownSectionsAreRefused) {
  EXPECT_NO_THROW(check_section_names({"prior", "shape"}));
  EXPECT_THROW(check_section_names({"prio"}), ConfigError);
}

TEST_F(Protocol, RunJsonSaysWhereTheDataWas) {
  EXPECT_EQ(recorded_data(folder_.path()).valid, "");
  folder_.put("run.json",
              R"({"config": {"data": {"train": "t.txt", "valid": "v.csv", "column": "line", "escapes": true}}})");
  const RecordedData recorded = recorded_data(folder_.path());
  EXPECT_EQ(recorded.train, "t.txt");
  EXPECT_EQ(recorded.valid, "v.csv");
  EXPECT_EQ(recorded.read.column, "line");
  EXPECT_TRUE(recorded.read.escapes);
  folder_.put("run.json", "{\"config\": 3");
  EXPECT_THROW(recorded_data(folder_.path()), CheckpointError);
}

TEST_F(Protocol, WeightsThatDivergedAreNamed) {
  const Model model = saved_model(folder_.path("m"));
  for (const NamedParameter& parameter : model.vae.parameters().list()) parameter.value.detach().fill_(std::nan(""));
  EXPECT_THROW(encode_texts(model, {"a"}), CheckpointError);
}

}  // namespace
}  // namespace tvae
