#include "tvae/run/huggingface_model.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

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
      import_huggingface({directory, "", tokenizer}, resolve_config(presets, assignments));
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
    for (const auto& [bottleneck, help, factory, order] : bottlenecks().entries()) {
      if (bottleneck == "fc") continue;  // wants d_model > 100
      std::vector<std::string> assignments = kSmallCode;
      assignments.push_back("model.bottleneck=" + bottleneck);
      if (bottleneck != "queries") assignments.push_back("model.posterior=deterministic");
      const Model model = import_huggingface({folder_.path(fixture)}, resolve_config({}, assignments));
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
  const Model model = import_huggingface({t5_folder("t5_v1_1", 300)}, resolve_config({"t5_small"}, assignments));
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
  const Model plain = import_huggingface({folder_.path("t5_v1_1")}, resolve_config({"demo"}, {}));
  EXPECT_EQ(plain.vae.config().dropout, 0.1);
}

TEST_F(HuggingFaceModel, ATokenizerJsonIsATokenizer) {
  const std::string folder = t5_folder("t5_v1_0", 300);
  for (const char* other : {"tokenizer_config.json", "special_tokens_map.json"})
    std::filesystem::remove(folder + "/" + other);
  std::filesystem::copy_file(fixture_path("tokenizer_t5/tokenizer.json"), folder + "/tokenizer.json");
  const Model model = import_huggingface({folder}, resolve_config({}, kSmallCode));
  EXPECT_EQ(model.tokenizer.size(), 101);
  EXPECT_EQ(model.vae.config().vocab_size, 300);
}

TEST_F(HuggingFaceModel, TheBottleneckComesFromTheSeed) {
  const std::string folder = t5_folder("t5_v1_0", 300);
  const auto weights = [&](const std::string& seed) {
    const Model model = import_huggingface({folder}, resolve_config({}, {"train.seed=" + seed}));
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
    const Model model = import_huggingface({folder_.path(fixture)}, resolve_config({}, {"model.bag_of_words=true"}));
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

class ImportIntoAFolder : public HuggingFaceModel {
 protected:
  /// The weights of the folder `from` in a folder of three shards.
  std::string sharded(const std::string& from, const TensorMap& weights) {
    const std::string folder = folder_.path("sharded");
    std::filesystem::remove_all(folder);
    std::filesystem::copy(from, folder);
    std::filesystem::remove(folder + "/model.safetensors");
    std::array<TensorMap, 3> shards;
    nlohmann::json index;
    size_t next = 0;
    for (const auto& [name, tensor] : weights) {
      const size_t shard = next++ % shards.size();
      shards[shard][name] = tensor;
      index["weight_map"][name] = std::to_string(shard) + ".safetensors";
    }
    for (size_t shard = 0; shard < shards.size(); ++shard)
      save_safetensors(folder + "/" + std::to_string(shard) + ".safetensors", shards[shard]);
    folder_.put("sharded/model.safetensors.index.json", index.dump());
    return folder;
  }
  ModelSize import(const std::string& from, const std::string& name, StartMode mode = StartMode::kNew) {
    RunDirectory out(folder_.path(name), mode);
    return import_huggingface({from}, resolve_config({}, kSmallCode), out);
  }
};

TEST_F(ImportIntoAFolder, ShardsGiveTheBytesOfOneFile) {
  for (const std::string fixture : {"t5_v1_0", "t5_v1_1"})
    for (const int64_t rows : {300, 100}) {  // as many as the tokenizer has ids, and fewer
      const std::string folder = t5_folder(fixture, rows);
      const ModelSize size = import(folder, "whole", StartMode::kOverwrite);
      import(sharded(folder, load_huggingface_t5(folder).weights), "parts", StartMode::kOverwrite);
      for (const char* file : {"model.safetensors", "config.json"})
        EXPECT_TRUE(folder_.get(std::string("whole/") + file) == folder_.get(std::string("parts/") + file)) << file;
      const Model model = import_huggingface({folder}, resolve_config({}, kSmallCode));
      expect_equal(load_safetensors(folder_.path("whole/model.safetensors")), model.vae.parameters().to_map());
      EXPECT_EQ(size.weights, model.vae.parameters().count());
      EXPECT_EQ(size.ids, model.tokenizer.size());
    }
}

TEST_F(ImportIntoAFolder, NarrowNumbersBecomeFp32) {
  const std::string folder = t5_folder("t5_v1_0", 300);
  TensorMap weights = load_huggingface_t5(folder).weights;
  for (auto& [name, weight] : weights) weight = weight.to(at::kBFloat16);
  import(sharded(folder, weights), "model");
  const TensorMap imported = load_safetensors(folder_.path("model/model.safetensors"));
  for (const auto& [name, weight] : weights)
    EXPECT_TRUE(torch::equal(imported.at(name), weight.to(at::kFloat))) << name;
}

TEST_F(ImportIntoAFolder, ADamagedShardLeavesTheFormerModel) {
  const std::string folder = t5_folder("t5_v1_0", 300);
  import(folder, "model");
  const std::string before = folder_.get("model/model.safetensors");
  TensorMap weights = load_huggingface_t5(folder).weights;
  const std::string last = weights.rbegin()->first;
  weights.at(last) = at::full_like(weights.at(last), std::nan(""));
  const std::string damaged = sharded(folder, weights);
  try {
    import(damaged, "model", StartMode::kOverwrite);
    ADD_FAILURE() << "imported";
  } catch (const CheckpointError& error) {
    EXPECT_EQ(std::string(error.what()).find(damaged + ": numbers of " + last + " are not finite"), 0u) << error.what();
  }
  EXPECT_TRUE(folder_.get("model/model.safetensors") == before);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("model")))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".new")) << entry.path();
}

// Sizes that only config.json has would take terabytes; each is a damaged checkpoint, and says which file.
TEST_F(HuggingFaceModel, AConfigurationThatItsWeightsDoNotHaveIsADamagedCheckpoint) {
  const std::string folder = t5_folder("t5_v1_1", 300);
  const HuggingFaceT5 t5 = load_huggingface_t5(folder);
  const auto with = [&](const char* key, const nlohmann::ordered_json& value) -> std::string {
    HuggingFaceT5 changed = t5;
    changed.config[key] = value;
    save_huggingface_t5(folder, changed);
    try {
      import_huggingface({folder}, resolve_config({}, kSmallCode));
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return "no CheckpointError";
  };
  const std::vector<std::pair<const char*, int64_t>> sizes = {
      {"d_model", 32}, {"d_model", 65'536}, {"d_ff", 1'000'000}, {"vocab_size", 10'000'000}, {"vocab_size", 299}};
  for (const auto& [key, size] : sizes)
    EXPECT_EQ(with(key, size).find(folder + ": weight "), 0u) << key << " " << size << ": " << with(key, size);
  EXPECT_NE(with("num_layers", 1024).find("lacks the weight"), std::string::npos);
  for (const auto& [key, value] : {std::pair("vocab_size", 3), {"eos_token_id", 300}, {"pad_token_id", -1}})
    EXPECT_NE(with(key, value).find("config.json"), std::string::npos) << with(key, value);
  save_huggingface_t5(folder, t5);
  for (const torch::Tensor& embedding : {at::zeros({300}), at::zeros({}), at::zeros({300, 16, 1})}) {
    HuggingFaceT5 changed = t5;
    changed.weights["shared.weight"] = embedding;
    save_huggingface_t5(folder, changed);
    EXPECT_THROW(import_huggingface({folder}, resolve_config({}, kSmallCode)), CheckpointError);
  }
  save_huggingface_t5(folder, t5);
  for (const size_t levels : {80'000, 1'000'000}) {
    folder_.put("t5_v1_1/config.json",
                R"({"model_type": "t5", "d_ff": )" + std::string(levels, '[') + std::string(levels, ']') + "}");
    EXPECT_NE(error_of(folder, "", {}, kSmallCode).find("too deeply"), std::string::npos) << levels;
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
  EXPECT_LT(relative_error(at::mm(states, t5.weights.at("lm_head.weight").t()), vae.decoder().logits(states)), 1e-5);

  save_huggingface_t5(folder_.path("t5"), t5);
  byte_tokenizer().save(folder_.path("t5"));
  const Model again = import_huggingface({folder_.path("t5")}, resolve_config({}, {}));
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
  EXPECT_THROW(import_huggingface({folder}, resolve_config({}, kSmallCode)), NoTokenizer);
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

class FunnelEncoderOfAModel : public HuggingFaceModel {
 protected:
  /// The fixture, renamed: "funnel." before every name goes or stays; only the encoder or all.
  std::string funnel_folder(const std::string& name, bool prefix, bool everything) {
    TensorMap weights;
    for (const auto& [stored, tensor] : load_safetensors(fixture_path("funnel_pretrained/model.safetensors"))) {
      const std::string bare = stored.starts_with("funnel.") ? stored.substr(7) : stored;
      if (everything || bare.starts_with("encoder.")) weights[(prefix ? "funnel." : "") + bare] = tensor;
    }
    return saved(name, config_, weights);
  }
  std::string saved(const std::string& name, const nlohmann::ordered_json& config, const TensorMap& weights) {
    folder_.put(name + "/config.json", config.dump());
    save_safetensors(folder_.path(name) + "/model.safetensors", weights);
    return folder_.path(name);
  }
  std::string error_of_funnel(const std::string& funnel, const std::vector<std::string>& assignments = kSmallCode) {
    try {
      import_huggingface({t5_, funnel}, resolve_config({}, assignments));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  const nlohmann::ordered_json config_ = nlohmann::ordered_json::parse(
      (std::stringstream() << std::ifstream(fixture_path("funnel_pretrained/config.json")).rdbuf()).str());
  const std::string t5_ = t5_folder("t5_v1_0", 300);
};

TEST_F(FunnelEncoderOfAModel, GivesTheStatesThatTransformersGives) {
  const Fixture expected("funnel_pretrained/parity");
  const HuggingFaceT5 t5 = load_huggingface_t5(t5_);
  for (const std::string& folder :
       {fixture_path("funnel_pretrained"), funnel_folder("base", false, true), funnel_folder("encoder", true, false)}) {
    const Model model = import_huggingface({t5_, folder}, resolve_config({"transformer_vae_2021"}, kSmallCode));
    const EncoderStates encoded = model.vae.encode_embeddings(expected["inputs"].flatten(0, 1), equal_spans(3, 11), {});
    // Padded to 16 by the preset; the fixture is not.
    EXPECT_EQ(encoded.spans[0].length, 8);
    const Model unpadded = import_huggingface({t5_, folder}, resolve_config({}, kSmallCode));
    const EncoderStates states =
        unpadded.vae.encode_embeddings(expected["inputs"].flatten(0, 1), equal_spans(3, 11), {});
    EXPECT_LT(relative_error(states.states, expected["states"].flatten(0, 1)), 1e-5) << folder;
    const TensorMap weights = unpadded.vae.parameters().to_map();
    for (const auto& [name, weight] : t5.weights)
      if (!name.starts_with("encoder.")) {
        EXPECT_TRUE(torch::equal(weights.at(name), weight)) << name;
      }
  }
}

TEST_F(FunnelEncoderOfAModel, TheCheckpointDecidesItsShapeAndThePresetTheRest) {
  std::vector<std::string> assignments = {"data.max_tokens=16",
                                          "model.latent_tokens=-1",
                                          "model.attention_window.size=5",
                                          "model.attention_window.overlap=2",
                                          "model.attention_window.shift=false",
                                          "model.tokens_bottleneck.skip_upsample=true",
                                          "model.tokens_bottleneck.mask_upsample_tail=false",
                                          "model.tokens_bottleneck.latent_decoder=t5_norm",
                                          "model.critic_block_sizes=1_1_1",
                                          "model.funnel.activation_dropout=0.25"};
  const Model imported = import_huggingface({t5_, fixture_path("funnel_pretrained")},
                                            resolve_config({"transformer_vae_2021"}, assignments));
  save_model(folder_.path("model"), imported.vae.config(), imported.max_tokens, imported.check,
             imported.vae.parameters().to_map(), imported.tokenizer);
  const ModelConfig config = load_model_config(folder_.path("model"));
  EXPECT_EQ(config.encoder, "funnel");
  EXPECT_EQ(config.funnel.block_sizes, "1_2");
  EXPECT_EQ(config.funnel.block_repeats, "2_2");
  EXPECT_EQ(config.funnel.num_heads, 3);
  EXPECT_EQ(config.funnel.d_kv, 4);
  EXPECT_EQ(config.funnel.d_inner, 20);
  EXPECT_EQ(config.num_heads, 2);
  EXPECT_EQ(config.d_kv, 8);
  EXPECT_EQ(config.funnel.hidden_dropout, 0.15);
  EXPECT_EQ(config.funnel.activation_dropout, 0.25);
  EXPECT_EQ(config.funnel.layer_norm_epsilon, 1e-9);
  EXPECT_EQ(config.bottleneck, "tokens");
  EXPECT_EQ(config.latent_tokens, 8) << "all states of 16 tokens";
  EXPECT_EQ(config.latent_size, 1000);
  EXPECT_EQ(config.attention_window.size, 5);
  EXPECT_EQ(config.attention_window.overlap, 2);
  EXPECT_FALSE(config.attention_window.shift || config.tokens_bottleneck.mask_upsample_tail);
  EXPECT_TRUE(config.tokens_bottleneck.skip_upsample && config.pad_inputs);
  EXPECT_EQ(config.tokens_bottleneck.latent_decoder, "t5_norm");
  EXPECT_EQ(config.critic_block_sizes, "1_1_1") << "a critic is not repeated";
  EXPECT_EQ(load_model(folder_.path("model")).vae.parameters().count(), imported.vae.parameters().count());
}

TEST_F(FunnelEncoderOfAModel, StartsAtRandomOnATransformersT5WhereNoneIsGiven) {
  std::vector<std::string> assignments = kSmallCode;
  assignments.insert(assignments.end(), {"model.funnel.block_sizes=1_1", "model.funnel.d_inner=20"});
  const auto weights = [&](const std::string& seed) {
    std::vector<std::string> seeded = assignments;
    seeded.push_back("train.seed=" + seed);
    const Model model = import_huggingface({t5_}, resolve_config({"transformer_vae_2021"}, seeded));
    EXPECT_EQ(model.vae.config().encoder, "funnel");
    TensorMap copies;
    for (const auto& [name, weight] : model.vae.parameters().to_map()) copies[name] = weight.clone();
    return copies;
  };
  const TensorMap first = weights("1"), other = weights("2");
  const char* kernel = "encoder.blocks.1.0.attention.r_kernel";
  EXPECT_FALSE(torch::equal(first.at(kernel), other.at(kernel)));
  EXPECT_EQ(first.at(kernel).sizes(), (std::vector<int64_t>{16, 2, 8})) << "the T5's heads";
  for (const auto& [name, weight] : load_huggingface_t5(t5_).weights)
    if (!name.starts_with("encoder.")) {
      EXPECT_TRUE(torch::equal(first.at(name), weight)) << name;
    }
}

TEST_F(FunnelEncoderOfAModel, WhatDoesNotFitIsRefused) {
  const TensorMap weights = load_safetensors(fixture_path("funnel_pretrained/model.safetensors"));
  const auto with = [&](const char* key, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json config = config_;
    config[key] = value;
    return error_of_funnel(saved("funnel", config, weights));
  };
  EXPECT_EQ(with("d_model", 24), "config.json of a Funnel: d_model: got 24, expected 16, the width of the T5");
  EXPECT_EQ(with("model_type", "t5"), "config.json of a Funnel: model_type: got \"t5\", expected \"funnel\"");
  EXPECT_EQ(with("hidden_act", "relu"), "config.json of a Funnel: hidden_act: got \"relu\", expected \"gelu_new\"");
  EXPECT_NE(with("pooling_type", "sum").find("model.funnel.pooling: got \"sum\""), std::string::npos);
  EXPECT_NE(with("block_sizes", "1_2").find("block_sizes"), std::string::npos);
  EXPECT_NE(with("block_repeats", {1, 2, 2}).find("model.funnel.block_repeats: got 1_2_2"), std::string::npos);
  EXPECT_NE(with("block_sizes", {2, 2}).find("lacks the weight encoder.blocks.0.1."), std::string::npos);
  EXPECT_NE(with("n_head", 4).find("weight encoder.blocks.0.0.attention."), std::string::npos);
  EXPECT_NE(error_of_funnel(t5_).find("model_type"), std::string::npos);
  EXPECT_EQ(error_of_funnel(folder_.path("none")), "no directory " + folder_.path("none"));

  TensorMap extra = weights;
  extra["funnel.encoder.blocks.0.0.attention.extra"] = at::zeros({2});
  EXPECT_NE(error_of_funnel(saved("extra", config_, extra)).find("encoder.blocks.0.0.attention.extra"),
            std::string::npos);
  extra = weights;
  extra["pooler.weight"] = at::zeros({2});
  EXPECT_NE(error_of_funnel(saved("extra", config_, extra)).find("no Funnel has: got pooler.weight"),
            std::string::npos);
  std::filesystem::remove(folder_.path("extra/model.safetensors"));
  folder_.put("extra/pytorch_model.bin", "");
  EXPECT_NE(error_of_funnel(folder_.path("extra")).find("FunnelBaseModel.from_pretrained"), std::string::npos);

  EXPECT_NE(error_of_funnel(fixture_path("funnel_pretrained"), {"model.encoder=t5"}).find("model.encoder: got"),
            std::string::npos);
  EXPECT_NE(error_of_funnel(fixture_path("funnel_pretrained"), {"model.funnel.num_heads=2"}).find("expected 3"),
            std::string::npos);
}

}  // namespace
}  // namespace tvae::test
