#include "tvae/io/huggingface.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

const std::string kTied = std::string(TVAE_TEST_DATA) + "/t5_v1_0";
const std::string kUntied = std::string(TVAE_TEST_DATA) + "/t5_v1_1";

class HuggingFace : public testing::Test {
 protected:
  HuggingFace() {
    std::string name = (std::filesystem::temp_directory_path() / "tvae_huggingface_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~HuggingFace() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& content) const {
    write_file_atomically(folder_ + "/" + name, content);
  }
  std::string error() const {
    try {
      load_huggingface_t5(folder_);
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return "";
  }

  std::string folder_;
};

/// What transformers wrote comes out of us the same, so it loads what we write.
TEST_F(HuggingFace, LoadingAndSavingChangesNothing) {
  for (const std::string& directory : {kTied, kUntied}) {
    const HuggingFaceT5 t5 = load_huggingface_t5(directory);
    save_huggingface_t5(folder_ + "/copy", t5);
    EXPECT_TRUE(read_file(folder_ + "/copy/model.safetensors") == read_file(directory + "/model.safetensors"));
    EXPECT_EQ(Json::parse(read_file(folder_ + "/copy/config.json")),
              Json::parse(read_file(directory + "/config.json")));
  }
}

TEST_F(HuggingFace, AliasesOfTiedWeightsAreLeftOut) {
  HuggingFaceT5 t5 = load_huggingface_t5(kTied);
  const TensorMap expected = t5.weights;
  const torch::Tensor embedding = t5.weights.at("shared.weight");
  for (const char* alias : {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"})
    t5.weights[alias] = embedding;
  t5.weights["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"] = torch::ones({32, 2});
  save_huggingface_t5(folder_, t5);
  const TensorMap loaded = load_huggingface_t5(folder_).weights;
  ASSERT_EQ(loaded.size(), expected.size());
  for (const auto& [name, tensor] : expected) EXPECT_TRUE(torch::equal(loaded.at(name), tensor)) << name;

  t5.weights.erase("shared.weight");  // where only another name is left, it is the embedding
  save_huggingface_t5(folder_, t5);
  EXPECT_TRUE(torch::equal(load_huggingface_t5(folder_).weights.at("shared.weight"), embedding));

  t5.weights["shared.weight"] = embedding + 1;  // and where they differ, shared counts
  save_huggingface_t5(folder_, t5);
  EXPECT_TRUE(torch::equal(load_huggingface_t5(folder_).weights.at("shared.weight"), embedding + 1));
}

TEST_F(HuggingFace, AnUntiedOutputProjectionStays) {
  HuggingFaceT5 t5 = load_huggingface_t5(kUntied);
  EXPECT_FALSE(torch::equal(t5.weights.at("lm_head.weight"), t5.weights.at("shared.weight")));
  t5.weights.erase("lm_head.weight");
  save_huggingface_t5(folder_, t5);
  EXPECT_NE(error().find("lack lm_head.weight"), std::string::npos);
  t5.weights.erase("shared.weight");
  save_huggingface_t5(folder_, t5);
  EXPECT_NE(error().find("lack shared.weight"), std::string::npos);
}

class Shards : public HuggingFace {
 protected:
  /// The tied model in two shards.
  Shards() : whole_(load_huggingface_t5(kTied)) {
    write("config.json", whole_.config.dump());
    TensorMap parts[2];
    for (const auto& [name, tensor] : whole_.weights) {
      const int part = name < "e" ? 0 : 1;
      parts[part][name] = tensor;
      map_[name] = file(part);
    }
    for (const int part : {0, 1}) save_safetensors(folder_ + "/" + file(part), parts[part]);
    write_index();
  }
  static std::string file(int part) { return "model-0000" + std::to_string(part + 1) + "-of-00002.safetensors"; }
  void write_index() const { write("model.safetensors.index.json", Json{{"weight_map", map_}}.dump()); }

  HuggingFaceT5 whole_;
  Json map_;
};

TEST_F(Shards, AreJoined) {
  const TensorMap loaded = load_huggingface_t5(folder_).weights;
  ASSERT_EQ(loaded.size(), whole_.weights.size());
  for (const auto& [name, tensor] : whole_.weights) EXPECT_TRUE(torch::equal(loaded.at(name), tensor)) << name;
}

TEST_F(Shards, AreReadWhenTheyAreAskedFor) {
  const StoredHuggingFaceT5 t5 = open_huggingface_t5(folder_);
  ASSERT_EQ(t5.weights.size(), whole_.weights.size());
  for (const auto& [name, tensor] : whole_.weights) {
    const StoredTensor& stored = t5.weights.at(name);
    EXPECT_TRUE(stored.shape.is_meta()) << name;
    EXPECT_EQ(stored.shape.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(torch::equal(stored.read(), tensor)) << name;
  }
}

TEST_F(Shards, BrokenOnesAreRefused) {
  save_safetensors(folder_ + "/" + file(0), {{"shared.weight", torch::ones({1})}});
  EXPECT_NE(error().find("two shards hold shared.weight"), std::string::npos);
  save_safetensors(folder_ + "/" + file(0), {});
  EXPECT_NE(error().find("00001-of-00002.safetensors lacks decoder."), std::string::npos);
  save_safetensors(folder_ + "/" + file(0), {{"x", torch::ones({8})}});
  std::filesystem::resize_file(folder_ + "/" + file(0), std::filesystem::file_size(folder_ + "/" + file(0)) - 1);
  EXPECT_NE(error().find("00001-of-00002.safetensors: the file is cut short"), std::string::npos) << error();
  std::filesystem::remove(folder_ + "/" + file(0));
  EXPECT_NE(error().find("cannot read"), std::string::npos);
  map_["shared.weight"] = "../elsewhere.safetensors";
  write_index();
  EXPECT_NE(error().find("file of shared.weight"), std::string::npos);
  map_["shared.weight"] = 7;
  write_index();
  EXPECT_NE(error().find("file of shared.weight: got 7"), std::string::npos);
  write("model.safetensors.index.json", "{}");
  EXPECT_NE(error().find("holds no weight_map"), std::string::npos);
  write("model.safetensors.index.json", "{");
  EXPECT_NE(error().find("is not a JSON object"), std::string::npos);
}

TEST_F(HuggingFace, MissingFilesAreNamed) {
  EXPECT_EQ(error(), "no file " + folder_ + "/config.json");
  write("config.json", read_file(kTied + "/config.json"));
  EXPECT_NE(error().find("holds no model.safetensors"), std::string::npos);
  write("pytorch_model.bin", "");
  EXPECT_NE(error().find("save_pretrained(DIR)"), std::string::npos);
  std::filesystem::remove_all(folder_);
  EXPECT_EQ(error(), "no directory " + folder_);
}

TEST_F(HuggingFace, ConfigBothWays) {
  const ModelConfig tied = model_config_from_huggingface(load_huggingface_t5(kTied).config);
  EXPECT_EQ(tied.feed_forward, "relu");
  EXPECT_TRUE(tied.tie_word_embeddings && tied.scale_logits);
  EXPECT_EQ(tied.relative_attention_max_distance, 128);

  const Json json = load_huggingface_t5(kUntied).config;
  const ModelConfig untied = model_config_from_huggingface(json);
  EXPECT_EQ(untied.encoder_layers, 2);
  EXPECT_EQ(untied.decoder_layers, 1);
  EXPECT_EQ(untied.dropout, 0.1);
  EXPECT_FALSE(untied.tie_word_embeddings || untied.scale_logits);
  const Json written = huggingface_config(untied);
  for (const auto& [key, value] : written.items()) EXPECT_EQ(value, json[key]) << key;
  EXPECT_GE(written.size(), 19u);
}

TEST_F(HuggingFace, ConfigDefaultsAreThoseOfTransformers) {
  const ModelConfig model =
      model_config_from_huggingface({{"model_type", "t5"}, {"num_layers", 3}, {"num_decoder_layers", nullptr}});
  EXPECT_EQ(model.decoder_layers, 3);
  EXPECT_EQ(model.vocab_size, 32128);
  EXPECT_EQ(model.d_model, 512);
  EXPECT_EQ(model.feed_forward, "relu");
  EXPECT_EQ(model.dropout, 0.1);
  EXPECT_TRUE(model.tie_word_embeddings);
}

TEST_F(HuggingFace, OtherModelsAreRefused) {
  const auto error_of = [](const Json& json) -> std::string {
    try {
      model_config_from_huggingface(json);
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of({{"model_type", "bart"}}), "config.json of a T5: model_type: got \"bart\", expected \"t5\"");
  EXPECT_NE(error_of(Json::object()).find("model_type"), std::string::npos);
  const auto with = [](const char* key, const Json& value) { return Json{{"model_type", "t5"}, {key, value}}; };
  EXPECT_NE(error_of(with("feed_forward_proj", "gated-silu")).find("feed_forward: got \"gated-silu\""),
            std::string::npos);
  EXPECT_NE(error_of(with("d_model", 0)).find("d_model"), std::string::npos);
  EXPECT_NE(error_of(with("d_model", 1.5)).find("d_model"), std::string::npos);
  EXPECT_NE(error_of(with("tie_word_embeddings", 1)).find("tie_word_embeddings"), std::string::npos);
}

TEST_F(HuggingFace, WhatIsNoT5CannotBeWrittenAsOne) {
  ModelConfig funnel;
  funnel.encoder = "funnel";
  EXPECT_THROW(huggingface_config(funnel), ConfigError);
  ModelConfig scaled;
  scaled.tie_word_embeddings = false;
  scaled.scale_logits = true;
  EXPECT_THROW(huggingface_config(scaled), ConfigError);
}

}  // namespace
}  // namespace tvae
