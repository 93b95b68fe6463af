// The verbs `import` and `export`: to Hugging Face's layout and back without a bit lost.
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

namespace tvae {
namespace {

using ImportExport = ProgramTest;

TEST_F(ImportExport, AModelGoesOutAndComesBack) {
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += "x_" + std::to_string(i) + " = {" + std::to_string(i * i) + "}\n";
  std::vector<std::string> command = {
      "train",   "--train", put("lines.txt", lines),          "--out", path("model"), "--device", "cpu",
      "--quiet", "--set",   "data.cache_dir=" + path("cache")};
  const std::vector<std::string> shape = {"model.latent_tokens=2", "model.latent_size=4", "model.bottleneck=queries",
                                          "data.max_tokens=24"};
  for (const std::string setting :
       {"train.steps=2", "data.tokenizer_kind=char", "data.vocab_size=400", "data.check=none", "model.d_model=16",
        "model.d_kv=8", "model.d_ff=32", "model.num_heads=2", "model.encoder_layers=1", "model.decoder_layers=1"})
    command.insert(command.end(), {"--set", setting});
  for (const std::string& setting : shape) command.insert(command.end(), {"--set", setting});
  const ProgramResult trained = run(command);
  ASSERT_EQ(trained.status, 0) << trained.err;

  const ProgramResult exported = run({"export", path("model"), "--out", path("t5")});
  ASSERT_EQ(exported.status, 0) << exported.err;
  EXPECT_EQ(exported.out, path("t5") + "\n");
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

}  // namespace
}  // namespace tvae
