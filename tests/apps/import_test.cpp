// The verbs `import` and `export`: to Hugging Face's layout and back without a bit lost.
#include <array>
#include <bit>
#include <map>
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

/// T5s of zeros in shards, which are holes on the disk.
class LargeImport : public ProgramTest {
 protected:
  static constexpr int64_t kIds = 128, kLayers = 8, kHeads = 8;
  using Shapes = std::map<std::string, std::vector<int64_t>>;

  static Shapes layer_shapes(const std::string& stack, int64_t layer, int64_t d_kv, int64_t width) {
    const std::string block = stack + ".block." + std::to_string(layer) + ".layer.";
    const int64_t inner = kHeads * d_kv, d_ff = 4 * width;
    Shapes shapes;
    int64_t part = 0;
    for (const std::string kind : {"SelfAttention", "EncDecAttention"}) {
      if (kind == "EncDecAttention" && stack == "encoder") continue;
      const std::string here = block + std::to_string(part++);
      for (const char* projection : {".q", ".k", ".v"})
        shapes[here + "." + kind + projection + ".weight"] = {inner, width};
      shapes[here + "." + kind + ".o.weight"] = {width, inner};
      shapes[here + ".layer_norm.weight"] = {width};
    }
    const std::string last = block + std::to_string(part);
    shapes[last + ".DenseReluDense.wi.weight"] = {d_ff, width};
    shapes[last + ".DenseReluDense.wo.weight"] = {width, d_ff};
    shapes[last + ".layer_norm.weight"] = {width};
    return shapes;
  }

  /// Zeros of these shapes as fp32. Returns their bytes.
  int64_t put_zeros(const std::string& name, const Shapes& shapes) const {
    nlohmann::json header;
    int64_t end = 0;
    for (const auto& [weight, shape] : shapes) {
      int64_t size = sizeof(float);
      for (const int64_t extent : shape) size *= extent;
      header[weight] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {end, end + size}}};
      end += size;
    }
    const std::string text = header.dump();
    const auto length = std::bit_cast<std::array<char, 8>>(uint64_t{text.size()});
    const std::string file = put(name, std::string(length.begin(), length.end()) + text);
    std::filesystem::resize_file(file, length.size() + text.size() + static_cast<uint64_t>(end));
    return end;
  }

  /// A folder with a shard for each layer of encoder and decoder, and one for the rest. Returns the bytes of all.
  int64_t put_t5(const std::string& name, int64_t d_kv, int64_t width) const {
    std::filesystem::create_directory(path(name));
    std::map<std::string, Shapes> shards;
    Shapes& rest = shards["rest.safetensors"];
    rest["shared.weight"] = {kIds, width};
    for (const std::string stack : {"encoder", "decoder"}) {
      rest[stack + ".final_layer_norm.weight"] = {width};
      rest[stack + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = {32, kHeads};
      for (int64_t i = 0; i < kLayers; ++i)
        shards[stack + std::to_string(i) + ".safetensors"] = layer_shapes(stack, i, d_kv, width);
    }
    nlohmann::json index;
    int64_t bytes = 0;
    for (const auto& [file, shapes] : shards) {
      bytes += put_zeros(name + "/" + file, shapes);
      for (const auto& [weight, shape] : shapes) index["weight_map"][weight] = file;
    }
    put(name + "/model.safetensors.index.json", index.dump());
    const nlohmann::json config = {{"model_type", "t5"}, {"vocab_size", kIds},  {"d_model", width},     {"d_kv", d_kv},
                                   {"d_ff", 4 * width},  {"num_heads", kHeads}, {"num_layers", kLayers}};
    put(name + "/config.json", config.dump());
    return bytes;
  }

  int64_t peak_of_import(const std::string& name) const {
    BackgroundProgram import({"import", path(name), "--out", path(name + "_model"), "--tokenizer",
                              std::string(TVAE_TEST_DATA) + "/tokenizer_t5", "--set", "model.latent_tokens=1", "--set",
                              "model.latent_size=4", "--threads", "1"});
    EXPECT_EQ(import.wait(), 0);
    return import.peak_memory();
  }
};

// A model may be larger than the memory: what is there of it is one weight.
TEST_F(LargeImport, TakesTheMemoryOfItsLargestWeight) {
  // Where it is built with AddressSanitizer, that keeps what is freed: as much as all of the shards.
  const char* const options = std::getenv("ASAN_OPTIONS");
  ::setenv("ASAN_OPTIONS", ((options ? options + std::string(":") : "") + "quarantine_size_mb=1").c_str(), 1);
  put_t5("small", 8, 64);
  const int64_t large = put_t5("large", 64, 512), program = peak_of_import("small");
  ASSERT_GT(large, 200 << 20);
  EXPECT_LT(peak_of_import("large"), program + large / 4);
  EXPECT_GT(static_cast<int64_t>(std::filesystem::file_size(path("large_model/model.safetensors"))), large);
}

}  // namespace
}  // namespace tvae
