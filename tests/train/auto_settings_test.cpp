// What is chosen for a training file (tvae/train/auto_settings.h).
#include "tvae/train/auto_settings.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/train/setup.h"

namespace tvae {
namespace {

const std::vector<std::string> kWords = {"storm", "river", "garden", "letter", "engine", "window", "market", "silver"};

class AutoSettingsTest : public testing::Test {
 protected:
  std::string sentence(size_t i) const {
    return "the " + kWords[i % 8] + " near the " + kWords[i / 8 % 8] + " was " + kWords[i * 7 % 5] + " " +
           std::to_string(i % 100);
  }
  std::string file_of(const std::string& name, size_t rows, const std::function<std::string(size_t)>& row) {
    std::string content;
    for (size_t i = 0; i < rows; ++i) content += row(i) + "\n";
    return folder_.put(name, content);
  }
  RunConfig choose(const std::string& file, std::vector<std::string> assignments = {},
                   std::vector<std::string> presets = {"auto"}) {
    assignments.push_back("data.train=" + file);
    resolved_ = resolve_config(presets, assignments);
    TrainingInput input = open_training_files(resolved_, nullptr);
    settings_ = choose_settings(resolved_, input.train, torch::kCPU);
    return resolved_.config;
  }

  test::TemporaryFolder folder_;
  ResolvedConfig resolved_;
  AutoSettings settings_;
};

TEST_F(AutoSettingsTest, LabelTabTextIsReadAsThat) {
  const RunConfig config = choose(
      file_of("x.txt", 400, [&](size_t i) { return (i % 3 ? "calm\t" : "wild\t") + sentence(i); }), {"train.steps=10"});
  EXPECT_EQ(config.data.format, "tsv");
  EXPECT_EQ(config.data.column, "2");
  EXPECT_EQ(config.data.label_column, "1");
  EXPECT_EQ(config.data.check, "none");
  EXPECT_GT(config.data.valid_fraction, 0);
  EXPECT_LE(settings_.told.size(), 10U);
}

// A row that is drawn evenly from 8 words holds ln 8 nats a word, and a model of n-grams, which has to learn that from
// some thousand rows, finds up to a quarter more.
TEST_F(AutoSettingsTest, TheRateFollowsWhatARowHolds) {
  std::mt19937_64 random(1);
  const auto draws = [&](size_t words) {
    return [&, words](size_t) {
      std::string row;
      for (size_t i = 0; i < words; ++i) row += (i ? " " : "") + kWords[random() % 8];
      return row;
    };
  };
  const double four = choose(file_of("four.txt", 3000, draws(4)), {"train.steps=10"}).loss.kl.target;
  const double twelve = choose(file_of("twelve.txt", 3000, draws(12)), {"train.steps=10"}).loss.kl.target;
  for (const auto& [rate, words] : {std::pair{four, 4}, {twelve, 12}}) {
    EXPECT_GE(rate, std::floor(5.0 * words * std::log(8)));
    EXPECT_LE(rate, 1.25 * std::ceil(5.0 * words * std::log(8)));
  }
  EXPECT_GT(resolved_.config.model.latent_tokens * resolved_.config.model.latent_size, twelve);
}

TEST_F(AutoSettingsTest, ALongTrainingHasALowerRateAndASmallerCode) {
  const std::string file = file_of("x.txt", 300, [&](size_t i) { return sentence(i); });
  const RunConfig few = choose(file, {"train.steps=100"});
  const RunConfig some = choose(file, {"train.steps=5000"});
  const RunConfig many = choose(file, {"train.steps=100000"});
  EXPECT_NEAR(many.loss.kl.target / few.loss.kl.target, 2.0 / 5.0, 0.05);
  EXPECT_NEAR(few.loss.kl.target_floor, many.loss.kl.target, 2);
  EXPECT_LT(some.loss.kl.target, few.loss.kl.target);
  EXPECT_GT(some.loss.kl.target, many.loss.kl.target);
  EXPECT_NEAR(many.loss.kl.target_start / many.loss.kl.target, 2.1, 0.05);
  for (const RunConfig& config : {few, many}) {
    const auto units = static_cast<double>(config.model.latent_tokens * config.model.latent_size);
    EXPECT_NEAR(units / config.loss.kl.target, 2.45, 0.3);
  }
}

TEST_F(AutoSettingsTest, RowsThatHoldNextToNothingHaveARateAndNoFloorBelowIt) {
  const std::string file = file_of("x.txt", 2000, [&](size_t i) { return i % 200 == 0 ? sentence(i) : "x = 1"; });
  const LossConfig& loss = choose(file, {"train.steps=100"}).loss;
  EXPECT_GE(loss.kl.target, 4);
  EXPECT_TRUE(loss.kl.target_floor == 0 || loss.kl.target_floor >= 4) << loss.kl.target_floor;
  for (const std::string& told : settings_.told) EXPECT_EQ(told.find("down to 0"), std::string::npos) << told;
}

TEST_F(AutoSettingsTest, WhatIsGivenStays) {
  const std::string file = file_of("x.txt", 300, [&](size_t i) { return sentence(i); });
  RunConfig config = choose(file, {"train.steps=10", "data.max_tokens=8", "loss.kl.target=7", "model.d_model=64",
                                   "train.batch_size=5", "data.check=python", "data.valid_fraction=0"});
  EXPECT_EQ(config.data.max_tokens, 8);
  EXPECT_EQ(config.loss.kl.target, 7);
  EXPECT_EQ(config.loss.kl.target_floor, 0) << "what is given is not to fall";
  for (const std::string none : {"data.valid_fraction=0", "train.eval_steps=0"}) {
    EXPECT_EQ(choose(file, {"train.steps=100", none}).loss.kl.target_floor, 0) << none << ": nothing tells how far";
    for (const std::string& told : settings_.told) EXPECT_EQ(told.find("down to"), std::string::npos) << told;
  }
  EXPECT_EQ(config.model.d_model, 64);
  EXPECT_EQ(config.train.batch_tokens, 0);
  EXPECT_EQ(config.data.check, "python");
  EXPECT_EQ(config.data.valid_fraction, 0);
  EXPECT_EQ(config.train.steps, 10);
  EXPECT_EQ(config.data.overlong, "cut") << "most rows are longer than 8 tokens";
  config = choose(file, {"train.steps=10"}, {"auto", "molecules_small"});
  EXPECT_EQ(config.loss.kl.target, 54) << "another preset wins";
  EXPECT_EQ(config.data.check, "smiles");
}

TEST_F(AutoSettingsTest, WithStepsNothingDependsOnTheClock) {
  const std::string file = file_of("x.txt", 300, [&](size_t i) { return sentence(i); });
  const RunConfig config = choose(file, {"train.steps=10"});
  EXPECT_EQ(config.train.minutes, 0);
  EXPECT_TRUE(differing_keys(config, choose(file, {"train.steps=10"})).empty());
}

TEST_F(AutoSettingsTest, MinutesBecomeSteps) {
  const std::string file = file_of("x.txt", 5000, [&](size_t i) { return sentence(i * 31); });
  const RunConfig config =
      choose(file, {"train.minutes=0.02", "model.d_model=16", "model.d_ff=16", "model.num_heads=1"});
  EXPECT_GE(config.train.steps, 10);
  EXPECT_EQ(resolved_.origins.at("train.steps").find("auto: "), 0U);
  EXPECT_EQ(settings_.chosen.at("train.steps").at("value"), config.train.steps);
}

TEST_F(AutoSettingsTest, FewRowsAndLongOnes) {
  const RunConfig few = choose(file_of("few.txt", 40, [&](size_t i) { return sentence(i * 13); }), {"train.steps=2"});
  EXPECT_GT(few.data.valid_fraction, 0);
  const RunConfig fewer = choose(file_of("fewer.txt", 5, [&](size_t i) { return sentence(i); }), {"train.steps=2"});
  EXPECT_EQ(fewer.data.valid_fraction, 0) << "none to spare";
  const RunConfig longer = choose(file_of("long.txt", 60,
                                          [&](size_t i) {
                                            std::string row;
                                            for (size_t j = 0; j < 600; ++j) row += kWords[(i * j + j / 3) % 8] + " ";
                                            return row + std::to_string(i);
                                          }),
                                  {"train.steps=2", "data.tokenizer_kind=byte"});
  EXPECT_EQ(longer.data.max_tokens, 1024);
  EXPECT_EQ(longer.data.overlong, "cut");
}

TEST_F(AutoSettingsTest, CanBeStopped) {
  const std::string file = file_of("x.txt", 300, [&](size_t i) { return sentence(i); });
  resolved_ = resolve_config({"auto"}, {"data.train=" + file});
  TrainingInput input = open_training_files(resolved_, nullptr);
  StopFlag stop;
  stop.stop();
  EXPECT_THROW(choose_settings(resolved_, input.train, torch::kCPU, stop), Interrupted);
}

}  // namespace
}  // namespace tvae
