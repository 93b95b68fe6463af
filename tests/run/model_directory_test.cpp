#include "tvae/run/model_directory.h"

#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/json.h"

namespace tvae::test {
namespace {

using Json = nlohmann::ordered_json;

class ModelDirectory : public testing::Test {
 protected:
  /// What loading says with one key of config.json changed.
  std::string with(const std::string& key, const Json& value) {
    Json config = config_;
    config[key] = value;
    return error_of(config.dump());
  }
  std::string error_of(const std::string& config) {
    folder_.put("model/config.json", config);
    try {
      load_model(folder_.path("model"));
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return "";
  }
  void expect_named(const std::string& error, const std::string& part) {
    EXPECT_EQ(error.find(folder_.path("model/config.json") + ": "), 0u) << error;
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }

  TemporaryFolder folder_;
  const Model model_ = saved_model(folder_.path("model"));
  const Json config_ = read_json_file(folder_.path("model/config.json"));
};

TEST_F(ModelDirectory, WeightsComeBackBitForBit) {
  const TensorMap stored = load_safetensors(folder_.path("model/model.safetensors"));
  const auto loaded = model_.vae.parameters().to_map();
  ASSERT_EQ(stored.size(), loaded.size());
  for (const auto& [name, weight] : loaded) EXPECT_TRUE(torch::equal(weight, stored.at(name))) << name;
  for (const NamedParameter& parameter : model_.vae.parameters().list()) EXPECT_TRUE(parameter.value.requires_grad());
}

TEST_F(ModelDirectory, ValuesOfTheConfigurationAreCheckedAndTheFileIsNamed) {
  EXPECT_EQ(with("max_tokens", 12), "");
  for (const Json& length :
       {Json(-1), Json(0), Json(1), Json(int64_t{1} << 40), Json(UINT64_MAX), Json("long"), Json()})
    expect_named(with("max_tokens", length), "max_tokens");
  expect_named(with("check", "cobol"), "check");
  expect_named(with("check", 3), "check");
  for (const char* id : {"pad_token_id", "eos_token_id", "decoder_start_token_id", "unk_token_id"}) {
    expect_named(with(id, 259), std::string("model.") + id + ": got 259, expected an id below model.vocab_size, 259");
    expect_named(with(id, -1), id);
  }
  // What no model can have.
  expect_named(with("bottleneck", "bottle"), "model.bottleneck");
  expect_named(with("vocab_size", 3), "");
  expect_named(with("latent_tokens", -1), "model.latent_tokens");
  expect_named(with("attention_window", {{"size", 5000}}), "model.attention_window.size");
  EXPECT_THROW(load_model_config(folder_.path("model")), CheckpointError);
}

// Were memory taken for them first, these would ask for up to petabytes.
TEST_F(ModelDirectory, SizesAreComparedWithTheWeightsBeforeMemoryIsTaken) {
  for (const auto& [key, value] : {std::pair("vocab_size", 10'000'000), {"d_model", 65'536}, {"d_ff", 1'000'000}})
    EXPECT_NE(with(key, value).find("model.safetensors: weight "), std::string::npos) << key;
  EXPECT_NE(with("encoder_layers", 1024).find("lacks the weight encoder.block.2."), std::string::npos);
  Json huge = config_;
  huge.update({{"vocab_size", 10'000'000}, {"d_model", 65'536}, {"d_ff", 1'000'000}, {"latent_size", 65'536}});
  EXPECT_NE(error_of(huge.dump()).find("model.safetensors: weight "), std::string::npos);
}

TEST_F(ModelDirectory, DeepJsonIsRefused) {
  for (const size_t levels : {80'000, 1'000'000}) {
    const std::string deep = std::string(levels, '[') + std::string(levels, ']');
    expect_named(error_of(R"({"model_type": "transformer_vae", "d_model": )" + deep + "}"), "too deeply");
  }
}

TEST_F(ModelDirectory, TheTokenizerHasNoMoreIdsThanTheModel) {
  folder_.put("model/tokenizer_config.json", R"({"tokenizer_class": "ByT5Tokenizer", "extra_ids": 1})");
  EXPECT_NE(error_of(config_.dump())
                .find("model.vocab_size: got 259, expected at least as many ids as the tokenizer has, 260"),
            std::string::npos);
}

}  // namespace
}  // namespace tvae::test
