#include "tvae/config/presets.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

std::string error_of(const std::vector<std::string>& presets, const std::vector<std::string>& assignments) {
  try {
    resolve_config(presets, assignments);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Presets, AllOfThemResolve) {
  for (const Preset& preset : all_presets()) {
    EXPECT_EQ(error_of({preset.name}, {}), "");
    EXPECT_FALSE(preset.about.empty()) << preset.name;
    EXPECT_FALSE(preset.group.empty()) << preset.name;
  }
}

TEST(Presets, ComposeLeftToRightWithAssignmentsLast) {
  const ResolvedConfig resolved = resolve_config({"demo", "t5_small"}, {"train.steps=1e3", " data.strict=true"});
  EXPECT_EQ(resolved.config.model.d_model, 512);  // t5_small overrides
  EXPECT_EQ(resolved.config.model.latent_tokens, 4);
  EXPECT_EQ(resolved.config.train.steps, 1000);
  EXPECT_TRUE(resolved.config.data.strict);
  EXPECT_EQ(resolved.origins.at("model.d_model"), "preset t5_small");
  EXPECT_EQ(resolved.origins.at("model.latent_tokens"), "preset demo");
  EXPECT_EQ(resolved.origins.at("train.steps"), kAssigned);
  EXPECT_FALSE(resolved.origins.contains("train.epochs"));
}

/// config.json of google-t5/t5-small, t5-base, t5-large and t5-3b on the Hugging Face hub: the weights of the T5 alone,
/// 32,128 ids, are what these shapes have.
TEST(Presets, SizesAreThoseOfGooglesT5) {
  const std::vector<std::pair<std::string, int64_t>> sizes = {
      {"t5_small", 60'506'624}, {"t5_base", 222'903'552}, {"t5_large", 737'668'096}, {"t5_3b", 2'851'598'336}};
  for (const auto& [name, weights] : sizes) {
    const ResolvedConfig resolved = resolve_config({"auto", name}, {});
    const ModelConfig& model = resolved.config.model;
    EXPECT_EQ(model.feed_forward, "relu") << name;
    const int64_t d = model.d_model, attention = 4 * d * model.d_kv * model.num_heads,
                  feed_forward = 2 * d * model.d_ff;
    const int64_t encoder = model.encoder_layers * (attention + feed_forward + 2 * d) + d,
                  decoder = model.decoder_layers * (2 * attention + feed_forward + 3 * d) + d;
    EXPECT_EQ(32'128 * d + encoder + decoder + 2 * 32 * model.num_heads, weights) << name;
    EXPECT_EQ(resolved.config.train.optimizer, name == "t5_3b" ? "adafactor" : "muon") << "a shape leaves the rest";
  }
  const TrainConfig large = resolve_config({"t5_3b"}, {}).config.train;
  EXPECT_TRUE(large.recompute.encoder);
  EXPECT_EQ(large.recompute.decoder, 1);
}

TEST(Presets, SizeOfAVocabularyIsRefusedWithItsKey) {
  EXPECT_NE(error_of({}, {"data.vocab_size=271"}).find("data.vocab_size: got 271, expected 272 to 1000000"),
            std::string::npos);
  EXPECT_EQ(error_of({}, {"data.vocab_size=272"}), "");
}

TEST(Presets, SayWhichDataTheyAreFor) {
  EXPECT_EQ(resolve_config({"demo"}, {}).wants, "");
  EXPECT_EQ(resolve_config({"mnist_small", "tenth_5_tkn"}, {}).wants.find("preset mnist_small is for MNIST as text: "),
            0u);
}

TEST(Presets, ReadmeCommandsOf2021) {
  const RunConfig base =
      resolve_config({"mnist_base", "tenth_5_tkn", "grad_check_pnt", "batch_small", "window200", "funnel_small"}, {})
          .config;
  EXPECT_EQ(base.data.max_tokens, 840);
  EXPECT_EQ(base.data.check, "mnist");
  EXPECT_EQ(base.model.latent_tokens, 5);
  EXPECT_EQ(base.model.latent_size, 77);
  EXPECT_TRUE(base.train.recompute.encoder);
  EXPECT_EQ(base.train.recompute.decoder, 3);
  EXPECT_EQ(base.train.batch_size, 10);
  EXPECT_EQ(base.model.attention_window.size, 200);
  EXPECT_EQ(base.model.funnel.block_sizes, "2_2_2");
  const RunConfig small = resolve_config({"mnist_small", "tenth_5_tkn", "batch_small", "eval"}, {}).config;
  EXPECT_EQ(small.data.max_tokens, 237);
  EXPECT_EQ(small.train.eval_steps, 500);
  for (const char* data : {"syntax", "semantics"}) {
    const RunConfig config = resolve_config({data, "tenth_5_tkn", "batch_large", "30Seq", "eval"}, {}).config;
    EXPECT_EQ(config.data.max_tokens, 30) << data;
    EXPECT_EQ(config.train.batch_size, 70) << data;
    EXPECT_EQ(config.model.d_model, 768) << data;
  }
}

TEST(Presets, DisagreementNamesBothUnlessAnAssignmentDecides) {
  const std::string disagreement = error_of({"t5_vae_2020", "t5_vae_flax"}, {});
  EXPECT_EQ(disagreement,
            "presets t5_vae_2020 and t5_vae_flax disagree on data.max_tokens: got 20 and 32 (leave one out, or decide "
            "with data.max_tokens=...)");
  EXPECT_EQ(error_of({"t5_vae_2020", "t5_vae_flax"}, {"data.max_tokens=24"}).find("data.max_tokens"),
            std::string::npos);
}

TEST(Presets, BaseStandsWhereNothingIsGiven) {
  RunConfig base;
  base.model.d_ff = 99;
  base.train.steps = 7;
  const RunConfig config = resolve_config({}, {"train.steps=8"}, base).config;
  EXPECT_EQ(config.model.d_ff, 99);
  EXPECT_EQ(config.train.steps, 8);
  EXPECT_EQ(differing_keys(base, config), std::vector<std::string>{"train.steps"});
}

TEST(Presets, WrongKeysAndValuesAreNamed) {
  EXPECT_EQ(error_of({"demoo"}, {}).find("unknown preset: got \"demoo\""), 0u);
  EXPECT_NE(error_of({"demoo"}, {}).find("did you mean demo?"), std::string::npos);
  EXPECT_NE(error_of({}, {"train.stepz=3"}).find("train.steps"), std::string::npos);
  EXPECT_EQ(error_of({}, {"train.steps"}),
            "an assignment: got \"train.steps\", expected KEY=VALUE (for example train.steps=1000)");
  EXPECT_EQ(error_of({}, {"train.steps=1.5"}), "train.steps: got \"1.5\", expected a whole number");
  EXPECT_EQ(error_of({}, {"train.steps="}), "train.steps: got \"\", expected a whole number");
  EXPECT_EQ(error_of({}, {"model.dropout=nan"}), "model.dropout: got \"nan\", expected a number");
  EXPECT_EQ(error_of({}, {"model.dropout=-1"}), "model.dropout: got -1, expected 0 to 0.999");
  EXPECT_NE(error_of({}, {"model.encoder=lstm"}).find("one of t5"), std::string::npos);
  EXPECT_NE(error_of({}, {"model.encoder=funel"}).find("did you mean funnel?"), std::string::npos);
  EXPECT_EQ(
      error_of({}, {"train.muon=1"}),
      "a key: got \"train.muon\", which is a group, expected one of train.muon.learning_rate, train.muon.momentum");
  EXPECT_EQ(error_of({}, {"loss.kl_targe=1"}), "unknown key: got \"loss.kl_targe\" (did you mean loss.kl.target?)");
  EXPECT_NE(error_of({}, {"data.strict=1"}).find("true or false"), std::string::npos);
}

TEST(Presets, WholeNumbersDoNotWrap) {
  RunConfig config;
  for (const uint64_t value : {uint64_t{1} << 63, UINT64_MAX}) {
    EXPECT_THROW(set_field(config, "train.steps", value), ConfigError);
    EXPECT_THROW(set_field(config, "train.steps", std::to_string(value)), ConfigError);
    EXPECT_THROW(set_field(config, "model.latent_tokens", value), ConfigError) << "-1 is a value of this key";
  }
  EXPECT_EQ(error_of({}, {"model.latent_tokens=18446744073709551615"}),
            "model.latent_tokens: got 18446744073709551615, expected -1 to 65536");
}

TEST(Presets, ErrorsTakeValuesOfAnyKind) {
  EXPECT_NE(error_of({}, {"train.steps=\xff\xfe"}).find("train.steps: got"), std::string::npos);
  EXPECT_NE(error_of({}, {"train.steps=" + std::string(1'000'000, '[')}).find("train.steps: got"), std::string::npos);
  EXPECT_LT(error_of({}, {"train.steps=" + std::string(1'000'000, '[')}).size(), 300u);
}

TEST(Presets, ConfigurationSurvivesJson) {
  const RunConfig config = resolve_config({"lines_small"}, {"data.train=a b.txt", "train.learning_rate=1e-5"}).config;
  EXPECT_TRUE(differing_keys(config, run_config_from_json(to_json(config))).empty());
  EXPECT_THROW(run_config_from_json({{"train", {{"stepz", 1}}}}), ConfigError);
  EXPECT_THROW(run_config_from_json({{"train", 1}}), ConfigError);
}

TEST(Presets, FieldsHaveOwnersAndKeepTheirOlderNames) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"model.funnel_d_inner", "model.funnel.d_inner"},
      {"model.attention_window_size", "model.attention_window.size"},
      {"model.pooling_layers", "model.queries_bottleneck.pooling_layers"},
      {"loss.kl_target", "loss.kl.target"},
      {"loss.mmd_queue", "loss.mmd.queue"},
      {"loss.critic_min_steps", "loss.critic.min_steps"},
      {"train.preview_samples", "train.preview.samples"},
      {"model.gradient_checkpoint_decoder", "train.recompute.decoder"}};
  for (const auto& [old, key] : names) {
    const ResolvedConfig by_old = resolve_config({}, {old + "=3"}), by_key = resolve_config({}, {key + "=3"});
    EXPECT_EQ(differing_keys(by_old.config, {}), std::vector<std::string>{key}) << old;
    EXPECT_TRUE(differing_keys(by_old.config, by_key.config).empty()) << old;
    EXPECT_EQ(by_old.origins, by_key.origins);
    EXPECT_TRUE(is_known_key(old) && is_known_key(key) && canonical_key(old) == key);
    EXPECT_EQ(error_of({}, {old + "=x"}).substr(0, key.size()), key) << "errors use the present name";
  }
  EXPECT_EQ(resolve_config({}, {"loss.critic=mean"}).config.loss.critic.score, "mean");
  EXPECT_FALSE(is_known_key("loss.kl") || is_known_key("train.stepz"));
}

TEST(Presets, ConfigurationsSavedWithOlderNamesAreRead) {
  const nlohmann::ordered_json old = {{"model", {{"funnel_block_sizes", "1_1"}, {"gradient_checkpoint_encoder", true}}},
                                      {"loss", {{"critic", "cls"}, {"kl_target", 7.0}}},
                                      {"train", {{"beta2", 0.5}, {"steps", 9}}}};
  const RunConfig config = run_config_from_json(old);
  EXPECT_EQ(config.model.funnel.block_sizes, "1_1");
  EXPECT_TRUE(config.train.recompute.encoder);
  EXPECT_EQ(config.loss.critic.score, "cls");
  EXPECT_EQ(config.loss.kl.target, 7);
  EXPECT_EQ(config.train.adamw.beta2, 0.5);
  EXPECT_EQ(to_json(config)["loss"]["critic"]["score"], "cls");
  EXPECT_TRUE(differing_keys(config, run_config_from_json(to_json(config))).empty());

  const ModelConfig flat = model_config_from_json({{"d_model", 8}, {"funnel_d_kv", 4}, {"latent_decoder", "no_norm"}});
  const ModelConfig nested = model_config_from_json(model_config_to_json(flat));
  for (const ModelConfig& model : {flat, nested}) {
    EXPECT_EQ(model.d_model, 8);
    EXPECT_EQ(model.funnel.d_kv, 4);
    EXPECT_EQ(model.tokens_bottleneck.latent_decoder, "no_norm");
  }
  EXPECT_THROW(model_config_from_json({{"funnel", 3}}), ConfigError);
  EXPECT_THROW(model_config_from_json({{"funnel", {{"d_kv", 4}}}, {"funnel_d_kv", 4}}), ConfigError) << "two values";
  EXPECT_THROW(run_config_from_json({{"loss", {{"kl", {{"target", 4}}}, {"kl_target", 5}}}}), ConfigError);
  EXPECT_THROW(run_config_from_json({{"train", {{"steps", {{"x", 1}}}}}}), ConfigError);
}

TEST(Presets, AFileOfOnesOwnIsOneToo) {
  const test::TemporaryFolder folder;
  const std::string mine = folder.put("mine.json", R"({"about": "mine", "base": "demo", "set": {"train.steps": 7}})");
  const ResolvedConfig resolved = resolve_config({mine}, {});
  EXPECT_EQ(resolved.config.train.steps, 7) << "over its base";
  EXPECT_EQ(resolved.config.model.latent_tokens, 4) << "of its base";
  EXPECT_EQ(resolved.origins.at("train.steps"), "preset " + mine);
  const std::string next = folder.put("next.json", R"({"base": "mine.json", "set": {"train.batch_size": 5}})");
  EXPECT_EQ(resolve_config({next}, {}).config.train.steps, 7) << "of a base beside it, and with its own base";
  EXPECT_EQ(resolve_config({next}, {}).config.model.latent_tokens, 4);
  EXPECT_EQ(resolve_config({mine, next}, {}).config.train.batch_size, 5) << "the bases of one begin those of the other";
  EXPECT_EQ(resolve_config({next, mine}, {}).config.model.latent_tokens, 4);
  RunConfig config;
  config.train.steps = 11;
  const std::string whole = folder.put("whole.json", to_json(config).dump());
  EXPECT_EQ(resolve_config({whole}, {}).config.train.steps, 11) << "a whole configuration";
}

TEST(Presets, AFileThatIsNoneSaysWhy) {
  const test::TemporaryFolder folder;
  const auto error_of_file = [&](const std::string& text) {
    const std::string error = error_of({folder.put("mine.json", text)}, {});
    EXPECT_NE(error.find("mine.json"), std::string::npos) << error;
    return error;
  };
  EXPECT_NE(error_of_file("no json").find("no JSON at line 1, column 2"), std::string::npos);
  EXPECT_NE(error_of_file("[1]").find("no object"), std::string::npos);
  EXPECT_NE(error_of_file(R"({"sets": {}, "about": ""})").find("set"), std::string::npos);
  EXPECT_NE(error_of_file(R"({"set": {"train.stepz": 1}})").find("train.steps"), std::string::npos);
  EXPECT_NE(error_of_file(R"({"set": {"train.steps": "many"}})").find("a whole number"), std::string::npos);
  EXPECT_NE(error_of_file(R"({"set": {}, "about": 3})").find("another kind"), std::string::npos);
  EXPECT_NE(error_of_file(R"({"base": "mine.json", "set": {}})").find("starts from itself"), std::string::npos);
  EXPECT_THROW(resolve_config({folder.path("absent.json")}, {}), DataError);
}

TEST(Presets, AKeyWithoutItsSectionIsSuggested) {
  EXPECT_NE(error_of({}, {"steps=3"}).find("did you mean train.steps?"), std::string::npos);
  EXPECT_NE(error_of({}, {"target=3"}).find("did you mean loss.kl.target?"), std::string::npos);
}

TEST(Presets, WhatYieldsYieldsToBothSides) {
  EXPECT_EQ(resolve_config({"lines_small", "auto"}, {}).config.train.save_model, "last");
  EXPECT_EQ(resolve_config({"auto", "lines_small"}, {}).config.train.save_model, "last");
  EXPECT_EQ(resolve_config({"auto"}, {}).config.train.save_model, "best");
}

}  // namespace
}  // namespace tvae
