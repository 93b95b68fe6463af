// A bottleneck, an optimizer, a prior, a check and a verb, each added by one file of this folder and by nothing else.
#include <gtest/gtest.h>

#include <regex>

#include "tests/apps/tiny_model_test.h"

namespace tvae {
namespace {

class Extensions : public TinyModelTest {};

/// Whether every parenthesis of a text has its other.
bool parentheses_close(const std::string& text) {
  static const std::regex others("[^()]"), pair("\\(\\)");
  std::string left = std::regex_replace(text, others, "");
  for (std::string before; left != before;) {
    before = left;
    left = std::regex_replace(left, pair, "");
  }
  return left.empty();
}

TEST_F(Extensions, AFileOfOnesOwnAddsABottleneckAnOptimizerACheckAPriorAndAVerb) {
  std::string train;
  for (int i = 0; i < 60; ++i) train += "(row (" + std::to_string(i * 37 % 101) + "))\n";
  std::vector<std::string> command =
      train_command(put("train.txt", train), put("valid.txt", train.substr(0, 300)), path("m"));
  for (const char* setting : {"model.bottleneck=mean_pool", "model.posterior=deterministic", "loss.regularizer=none",
                              "train.optimizer=sign", "data.check=parentheses"})
    command.insert(command.end(), {"--set", setting});
  const ProgramResult trained = run(command);
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_EQ(Json::parse(get(path("m/config.json")))["bottleneck"], "mean_pool");

  const ProgramResult fitted = run({"prior", "fit", path("m"), "--kind", "box"});
  ASSERT_EQ(fitted.status, 0) << fitted.err;
  const ProgramResult sampled = run({"sample", path("m"), "-n", "3", "--json", "--prior", "fitted"});
  ASSERT_EQ(sampled.status, 0) << sampled.err;
  for (const Json& sample : json_lines(sampled.out)) EXPECT_TRUE(sample.contains("valid")) << sample;
  EXPECT_EQ(run({"shape", path("m")}).out, "2 x 4\n");

  const auto whole = [&](std::vector<std::string> flags) {  // outputs of 100 whose parentheses close
    flags.insert(flags.begin(),
                 {"sample", path("m"), "-n", "100", "--temperature", "3", "--json", "--prior", "fitted"});
    const ProgramResult result = run(flags);
    EXPECT_EQ(result.status, 0) << result.err;
    int64_t count = 0;
    for (const Json& sample : json_lines(result.out)) count += parentheses_close(sample["text"]);
    return count;
  };
  EXPECT_LT(whole({}), 100);
  EXPECT_EQ(whole({"--constrain"}), 100);
  expect_failure({"sample", model(), "--constrain"}, 2, "one of json, parentheses, python, smiles");
}

TEST_F(Extensions, TheyAreAmongTheChoicesThatHelpAndErrorsName) {
  const std::string help = run({"prior", "fit", "--help"}).out;
  EXPECT_NE(help.find("box (uniform in a box)"), std::string::npos) << help;
  expect_failure({"config", "--set", "train.optimizer=sgd"}, 2, "one of adafactor, adamw, muon, sign");
  expect_failure({"config", "--set", "data.check=parenthesis"}, 2, "parentheses");
}

}  // namespace
}  // namespace tvae
