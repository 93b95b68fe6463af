// Tests of verbs that need a model: one tiny model, trained for two steps, that the tests of a suite share.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"
#include "tests/support/temporary_folder.h"

namespace tvae {

using Json = nlohmann::json;

inline std::string numbered_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "row " + std::to_string(i * 37 % 101) + "\n";
  return lines;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> objects;
  for (const std::string& line : lines_of(text)) objects.push_back(Json::parse(line));
  return objects;
}

class TinyModelTest : public ProgramTest {
 protected:
  static void TearDownTestSuite() { shared_.reset(); }
  void SetUp() override {
    ProgramTest::SetUp();
    if (shared_) return;
    shared_ = std::make_unique<test::TemporaryFolder>();
    const ProgramResult trained = run(train_command(shared_->put("train.txt", numbered_lines(60)),
                                                    shared_->put("valid.txt", numbered_lines(30)), model()));
    ASSERT_EQ(trained.status, 0) << trained.err;
  }

  static std::vector<std::string> train_command(const std::string& train, const std::string& valid,
                                                const std::string& out) {
    std::vector<std::string> command = {"train", "--train", train, "--valid", valid, "--out", out, "--device", "cpu"};
    for (const char* setting :
         {"train.steps=2", "data.tokenizer_kind=byte", "data.max_tokens=24", "data.check=none", "model.d_model=16",
          "model.d_kv=8", "model.d_ff=32", "model.num_heads=2", "model.encoder_layers=1", "model.decoder_layers=1",
          "model.latent_tokens=2", "model.latent_size=4", "model.bottleneck=queries", "model.posterior=gaussian"})
      command.insert(command.end(), {"--set", setting});
    command.insert(command.end(), {"--set", "data.cache_dir=" + shared_->path("cache")});
    return command;
  }

  static std::string model() { return shared_->path("model"); }
  void expect_failure(const std::vector<std::string>& arguments, int status, const std::string& message,
                      const std::string& input = "") const {
    const ProgramResult result = run(arguments, input);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(lines_of(result.err).size(), 1u) << result.err;
  }

  static inline std::unique_ptr<test::TemporaryFolder> shared_;
};

}  // namespace tvae
