#include "tvae/model/huggingface_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/fixture.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"

namespace tvae::test {
namespace {

const std::vector<std::string> kSmallCode = {"model.latent_tokens=2", "model.latent_size=4", "data.max_tokens=16"};

class HuggingFaceModel : public testing::Test {
 protected:
  /// The fixture's T5 as a Hugging Face folder, its embedding widened to `rows` random rows, with a byte tokenizer.
  std::string t5_folder(const std::string& fixture, int64_t rows) {
    HuggingFaceT5 t5 = load_huggingface_t5(fixture_path(fixture));
    t5.config["vocab_size"] = rows;
    torch::manual_seed(1);
    for (const char* name : {"shared.weight", "lm_head.weight"})
      if (const auto found = t5.weights.find(name); found != t5.weights.end())
        found->second = at::randn({rows, found->second.size(1)});
    save_huggingface_t5(folder_.path(fixture), t5);
    byte_tokenizer().save(folder_.path(fixture));
    return folder_.path(fixture);
  }

  std::string error_of(const std::string& directory, const std::string& tokenizer,
                       const std::vector<std::string>& presets, const std::vector<std::string>& assignments) {
    try {
      import_huggingface_t5(directory, tokenizer, resolve_config(presets, assignments));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

void expect_equal(const TensorMap& a, const TensorMap& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_TRUE(b.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
  }
}

TEST_F(HuggingFaceModel, ExportOfAnImportGivesTheSameTensorsAndConfig) {
  for (const std::string fixture : {"t5_v1_0", "t5_v1_1"}) {
    const HuggingFaceT5 original = load_huggingface_t5(t5_folder(fixture, 300));
    for (const auto& [bottleneck, factory] : bottleneck_registry()) {
      if (bottleneck == "fc") continue;  // wants d_model > 100
      std::vector<std::string> assignments = kSmallCode;
      assignments.push_back("model.bottleneck=" + bottleneck);
      if (bottleneck != "queries") assignments.push_back("model.posterior=deterministic");
      const Model model = import_huggingface_t5(folder_.path(fixture), "", resolve_config({}, assignments));
      save_model(folder_.path("model"), model.vae.config(), model.max_tokens, model.check,
                 model.vae.parameters().to_map(), model.tokenizer);
      const HuggingFaceT5 back = export_huggingface_t5(load_model(folder_.path("model")).vae);
      expect_equal(original.weights, back.weights);
      for (const auto& [key, value] : back.config.items())
        EXPECT_EQ(value, original.config.value(key, nlohmann::ordered_json(true))) << key;  // absent = tied
    }
  }
}

TEST_F(HuggingFaceModel, TheCheckpointDecidesTheT5AndTheConfigurationTheRest) {
  std::vector<std::string> assignments = kSmallCode;
  assignments.insert(assignments.end(), {"model.dropout=0.25", "data.check=python"});
  const Model model = import_huggingface_t5(t5_folder("t5_v1_1", 300), "", resolve_config({"t5_small"}, assignments));
  const ModelConfig& config = model.vae.config();
  EXPECT_EQ(config.d_model, 16);  // not the preset's 512
  EXPECT_EQ(config.decoder_layers, 1);
  EXPECT_EQ(config.relative_attention_max_distance, 10);
  EXPECT_EQ(config.vocab_size, 300);
  EXPECT_FALSE(config.tie_word_embeddings || config.scale_logits);
  EXPECT_EQ(config.dropout, 0.25);
  EXPECT_EQ(config.latent_tokens, 2);
  EXPECT_EQ(config.latent_size, 4);
  EXPECT_EQ(config.sequence_length, 16);
  EXPECT_EQ(model.max_tokens, 16);
  EXPECT_EQ(model.check, "python");
  const Model plain = import_huggingface_t5(folder_.path("t5_v1_1"), "", resolve_config({"demo"}, {}));
  EXPECT_EQ(plain.vae.config().dropout, 0.1);
}

TEST_F(HuggingFaceModel, TheBottleneckComesFromTheSeed) {
  const std::string folder = t5_folder("t5_v1_0", 300);
  const auto weights = [&](const std::string& seed) {
    const Model model = import_huggingface_t5(folder, "", resolve_config({}, {"train.seed=" + seed}));
    TensorMap copies;
    for (const auto& [name, weight] : model.vae.parameters().to_map()) copies[name] = weight.clone();
    return copies;
  };
  const TensorMap first = weights("1"), other = weights("2");
  expect_equal(first, weights("1"));
  int64_t fresh = 0;
  for (const auto& [name, weight] : first)
    if (!torch::equal(weight, other.at(name))) {
      EXPECT_TRUE(name.starts_with("vae.")) << name;
      ++fresh;
    }
  EXPECT_GT(fresh, 4);
}

TEST_F(HuggingFaceModel, IdsBeyondTheEmbeddingGetFreshRows) {
  for (const std::string fixture : {"t5_v1_0", "t5_v1_1"}) {
    const HuggingFaceT5 original = load_huggingface_t5(t5_folder(fixture, 100));
    const Model model =
        import_huggingface_t5(folder_.path(fixture), "", resolve_config({}, {"model.bag_of_words=true"}));
    EXPECT_EQ(model.vae.config().vocab_size, 259);
    const HuggingFaceT5 back = export_huggingface_t5(model.vae);
    EXPECT_EQ(back.config["vocab_size"], 259);
    for (const auto& [name, tensor] : back.weights) {
      const torch::Tensor& old = original.weights.at(name);
      EXPECT_TRUE(torch::equal(tensor.narrow(0, 0, old.size(0)), old)) << name;
      if (tensor.size(0) == 259) {
        EXPECT_GT(tensor.narrow(0, 100, 159).std().item<double>(), 0.5) << name;
      }
    }
  }
}

TEST_F(HuggingFaceModel, UntiedScaledLogitsAreFoldedIntoTheProjection) {
  ModelConfig config = tiny_config("queries");
  config.tie_word_embeddings = false;
  config.scale_logits = true;
  Rng rng(1);
  const TransformerVae vae(config, rng);
  const HuggingFaceT5 t5 = export_huggingface_t5(vae);
  EXPECT_EQ(t5.config["tie_word_embeddings"], false);
  const torch::Tensor states = at::randn({3, config.d_model});
  EXPECT_LT(relative_error(at::mm(states, t5.weights.at("lm_head.weight").t()), vae.logits(states)), 1e-5);

  save_huggingface_t5(folder_.path("t5"), t5);
  byte_tokenizer().save(folder_.path("t5"));
  const Model again = import_huggingface_t5(folder_.path("t5"), "", resolve_config({}, {}));
  EXPECT_FALSE(again.vae.config().scale_logits);
}

TEST_F(HuggingFaceModel, TiedUnscaledLogitsAreNoHuggingFaceT5) {
  ModelConfig config = tiny_config("queries");
  config.scale_logits = false;
  Rng rng(1);
  const TransformerVae vae(config, rng);
  EXPECT_THROW(export_huggingface_t5(vae), ConfigError);
}

TEST_F(HuggingFaceModel, WhatDoesNotFitIsRefused) {
  const std::string folder = t5_folder("t5_v1_0", 300);
  EXPECT_EQ(error_of(folder, "", {}, {"model.d_model=64"}),
            "model.d_model: got 64, expected 16 (the checkpoint and the tokenizer decide it)");
  EXPECT_NE(error_of(folder, "", {}, {"model.bottleneck=fc"}), "");
  EXPECT_NE(error_of(folder, folder_.path("none"), {}, {}).find("no tokenizer at"), std::string::npos);

  for (const char* file : {"tokenizer_config.json", "special_tokens_map.json"})
    std::filesystem::remove(std::filesystem::path(folder) / file);
  EXPECT_NE(error_of(folder, "", {}, {}).find("--tokenizer DIR"), std::string::npos);
  byte_tokenizer().save(folder_.path("bytes"));
  EXPECT_EQ(error_of(folder, folder_.path("bytes"), {}, {}), "");

  HuggingFaceT5 t5 = load_huggingface_t5(folder);
  t5.config["eos_token_id"] = 2;
  save_huggingface_t5(folder, t5);
  EXPECT_NE(error_of(folder, folder_.path("bytes"), {}, {}).find("does not belong to"), std::string::npos);
  t5.config["eos_token_id"] = 1;
  t5.weights["shared.weight"] = at::zeros({});
  save_huggingface_t5(folder, t5);
  EXPECT_NE(error_of(folder, folder_.path("bytes"), {}, {}).find("shared.weight"), std::string::npos);
  t5.weights["shared.weight"] = at::zeros({300, 16});
  t5.weights["encoder.extra.weight"] = at::zeros({2});
  save_huggingface_t5(folder, t5);
  EXPECT_NE(error_of(folder, folder_.path("bytes"), {}, {}).find("encoder.extra.weight"), std::string::npos);
}

}  // namespace
}  // namespace tvae::test
