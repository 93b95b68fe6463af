// The verbs `import` and `export`: to Hugging Face's layout and back without a bit lost.
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

namespace tvae {
namespace {

class ImportExport : public ProgramTest {
 protected:
  /// A T5 of width 16 with a tokenizer, made by training a model and exporting it.
  std::string exported_t5(const std::vector<std::string>& shape) {
    std::string lines;
    for (int i = 0; i < 40; ++i) lines += "x_" + std::to_string(i) + " = {" + std::to_string(i * i) + "}\n";
    std::vector<std::string> command = {
        "train",   "--train", put("lines.txt", lines),          "--out", path("model"), "--device", "cpu",
        "--quiet", "--set",   "data.cache_dir=" + path("cache")};
    for (const std::string setting :
         {"train.steps=2", "data.tokenizer_kind=char", "data.vocab_size=400", "data.check=none", "model.d_model=16",
          "model.d_kv=8", "model.d_ff=32", "model.num_heads=2", "model.encoder_layers=1", "model.decoder_layers=1"})
      command.insert(command.end(), {"--set", setting});
    for (const std::string& setting : shape) command.insert(command.end(), {"--set", setting});
    const ProgramResult trained = run(command);
    EXPECT_EQ(trained.status, 0) << trained.err;
    const ProgramResult exported = run({"export", path("model"), "--out", path("t5")});
    EXPECT_EQ(exported.status, 0) << exported.err;
    EXPECT_EQ(exported.out, path("t5") + "\n");
    return path("t5");
  }
};

TEST_F(ImportExport, AModelGoesOutAndComesBack) {
  const std::vector<std::string> shape = {"model.latent_tokens=2", "model.latent_size=4", "model.bottleneck=queries",
                                          "data.max_tokens=24"};
  exported_t5(shape);
  std::vector<std::string> import = {"import", path("t5"), "--out", path("again")};
  for (const std::string& setting : shape) import.insert(import.end(), {"--set", setting});
  const ProgramResult imported = run(import);
  ASSERT_EQ(imported.status, 0) << imported.err;
  ASSERT_EQ(run({"export", path("again"), "--out", path("t5_again")}).status, 0);
  for (const char* file : {"model.safetensors", "config.json", "tokenizer.json", "spiece.model"}) {
    EXPECT_FALSE(get(path("t5/") + file).empty()) << file;
    EXPECT_EQ(get(path("t5/") + file), get(path("t5_again/") + file)) << file;
  }

  // The bottleneck is fresh, so the text is not; but every verb takes the model.
  const ProgramResult texts = run({"reconstruct", path("again")}, "x_1 = {1}\n");
  EXPECT_EQ(texts.status, 0) << texts.err;
  EXPECT_EQ(nlohmann::json::parse(get(path("t5/config.json")))["model_type"], "t5");
}

TEST_F(ImportExport, AFunnelEncoderComesWithTheT5AndTheModelTrains) {
  const std::vector<std::string> shape = {"data.max_tokens=24"};
  const std::string t5 = exported_t5(shape), funnel = std::string(TVAE_TEST_DATA) + "/funnel_pretrained";
  const std::vector<std::string> small = {"--set", "data.max_tokens=24",      "--set", "model.latent_tokens=2",
                                          "--set", "model.latent_size=4",     "--set", "train.steps=2",
                                          "--set", "loss.mlm_probability=0.3"};
  const auto with_small = [&](std::vector<std::string> command) {
    command.insert(command.end(), small.begin(), small.end());
    return run(command);
  };
  const ProgramResult imported =
      with_small({"import", t5, "--funnel", funnel, "--out", path("both"), "transformer_vae_2021"});
  ASSERT_EQ(imported.status, 0) << imported.err;
  const auto config = nlohmann::json::parse(get(path("both/config.json")));
  EXPECT_EQ(config["encoder"], "funnel");
  EXPECT_EQ(config["funnel"]["num_heads"], 3);
  EXPECT_EQ(config["bottleneck"], "tokens");
  const ProgramResult trained =
      with_small({"train", "transformer_vae_2021", "--from", path("both"), "--train", path("lines.txt"), "--out",
                  path("run"), "--device", "cpu", "--quiet", "--set", "data.cache_dir=" + path("cache")});
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_EQ(nlohmann::json::parse(get(path("run/config.json")))["funnel"]["block_repeats"], "2_2");
  const ProgramResult texts = run({"reconstruct", path("run")}, "x_1 = {1}\n");
  EXPECT_EQ(texts.status, 0) << texts.err;

  const ProgramResult too_long =
      run({"train", "transformer_vae_2021", "--from", path("both"), "--train", path("lines.txt"), "--out", path("long"),
           "--set", "data.max_tokens=30", "--set", "train.steps=2", "--quiet"});
  EXPECT_EQ(too_long.status, 2);
  EXPECT_NE(too_long.err.find("data.max_tokens: got 30, expected 24 at most"), std::string::npos) << too_long.err;
  const ProgramResult swapped = with_small({"import", t5, "--funnel", t5, "--out", path("wrong")});
  EXPECT_EQ(swapped.status, 3);
  EXPECT_NE(swapped.err.find("model_type: got \"t5\", expected \"funnel\""), std::string::npos) << swapped.err;
}

TEST_F(ImportExport, ARunFromAnImportedModelHasTheSettingsOfTheImport) {
  const std::string t5 = exported_t5({"data.max_tokens=24"});
  ASSERT_EQ(run({"import", t5, "--out", path("m"), "--set", "data.max_tokens=24", "--set", "model.latent_tokens=2",
                 "--set", "model.latent_size=4", "--set", "model.bottleneck=queries", "--set",
                 "model.posterior=gaussian", "--set", "loss.regularizer=kl", "--set", "loss.kl.target=9"})
                .status,
            0);
  const ProgramResult trained =
      run({"train", "--from", path("m"), "--train", path("lines.txt"), "--out", path("run"), "--device", "cpu", "--set",
           "train.steps=2", "--set", "data.cache_dir=" + path("cache")});
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_NE(trained.err.find("settings of " + path("m") + ", but for "), std::string::npos) << trained.err;
  EXPECT_EQ(nlohmann::json::parse(get(path("run/run.json")))["config"]["loss"]["kl"]["target"], 9.0);
}

}  // namespace
}  // namespace tvae
