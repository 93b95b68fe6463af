// What users get wrong and what machines run out of: one clear line, the right exit status, nothing half-written.
#include <sys/mount.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"
#include "tests/support/temporary_folder.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int kUsage = 2, kData = 3;

std::string many_lines() {
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += "x = " + std::to_string(i) + "\n";
  return lines;
}

class BadInput : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    put("train.txt", many_lines());
  }

  /// A tiny training run with further arguments; the cache lies where nothing is compared.
  std::vector<std::string> train(const std::string& out, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"train",   "--quiet",         "--device", "cpu",
                                          "--train", path("train.txt"), "--out",    out};
    for (const std::string& setting :
         {std::string("data.tokenizer_kind=byte"), std::string("data.max_tokens=16"), std::string("model.d_model=16"),
          std::string("model.d_kv=8"), std::string("model.d_ff=24"), std::string("model.num_heads=2"),
          std::string("model.latent_tokens=2"), std::string("model.latent_size=4"), std::string("train.steps=2"),
          "data.cache_dir=" + cache_.path()})
      arguments.insert(arguments.end(), {"--set", setting});
    return with_arguments(arguments, more);
  }

  /// Contents of every file and folder but the program's own streams.
  std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      found[entry.path()] = entry.is_regular_file() ? get(entry.path()) : "";
    for (const char* stream : {"stdin", "stdout", "stderr"}) found.erase(path(stream));
    return found;
  }

  static void expect_one_line(const ProgramResult& result, int status, const std::string& part) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(result.err.starts_with("tvae: ")) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err << "does not say: " << part;
    EXPECT_EQ(result.err.find("internal error"), std::string::npos) << result.err;
  }

  /// The command fails with one line that holds `part` and changes nothing.
  void expect_refused(const std::vector<std::string>& arguments, int status, const std::string& part) const {
    const auto before = everything();
    expect_one_line(run(arguments), status, part);
    EXPECT_TRUE(everything() == before) << "the command left something behind";
  }

  test::TemporaryFolder cache_;
};

TEST_F(BadInput, Configuration) {
  const std::string out = path("out");
  expect_refused(train(out, {"demoo"}), kUsage, "unknown preset: got \"demoo\" (did you mean demo?)");
  expect_refused(train(out, {"--set", "train.stepz=3"}), kUsage, "unknown key: got \"train.stepz\"");
  expect_refused(train(out, {"--set", "train.steps=many"}), kUsage, "train.steps: got \"many\"");
  expect_refused(train(out, {"--set", "model.dropout=1.5"}), kUsage, "model.dropout: got 1.5");
  expect_refused(train(out, {"demo", "lines_small"}), kUsage, "presets demo and lines_small disagree on ");
  expect_refused(train(out, {"--set", "model.bottleneck=bottle"}), kUsage, "model.bottleneck: got \"bottle\"");
  expect_refused(train(out, {"--set", "model.posterior=deterministic"}), kUsage, "loss.regularizer kl needs");
  expect_refused(train(out, {"--device", "abacus"}), kUsage, "--device");
  expect_refused({"train", "--out", out}, kUsage, "no training data");
  expect_refused({"train", "--train", path("train.txt")}, kUsage, "--out is required");
  expect_refused(train(""), kUsage, "the folder to write: got no name");
  expect_refused({"tain"}, kUsage, "unknown verb: got \"tain\" (did you mean train?)");
  expect_refused({"tokenizer", "tarin"}, kUsage, "(did you mean train?)");
  expect_refused(train(out, {"--train", "-"}), kData, "no usable rows");
  expect_refused(train(out, {"--set", "loss.regularizer=kk"}), kUsage, "loss.regularizer: got \"kk\"");
  expect_refused(train(out, {"--set", "model.vocab_size=5"}), kUsage, "model.vocab_size: got 5");
  const std::vector<std::string> funnel = {"--set", "model.encoder=funnel",          "--set", "model.bottleneck=tokens",
                                           "--set", "model.posterior=deterministic", "--set", "loss.regularizer=none"};
  const auto with_funnel = [&](const std::string& setting) {
    std::vector<std::string> settings = funnel;
    settings.insert(settings.end(), {"--set", setting});
    return train(out, settings);
  };
  expect_refused(with_funnel("model.funnel.block_sizes=1_1_1_1_1_1_1_1_1_1"), kUsage, "which pools below one token");
  expect_refused(with_funnel("model.funnel.block_sizes=1_x"), kUsage, "model.funnel.block_sizes: got \"1_x\"");
  expect_refused(with_funnel("model.attention_window.size=5000"), kUsage, "model.attention_window.size: got 5000");
  std::vector<std::string> loud = with_funnel("model.attention_window.size=5000");
  std::erase(loud, "--quiet");
  expect_refused(loud, kUsage, "model.attention_window.size: got 5000");  // before a tokenizer is trained
}

TEST_F(BadInput, TrainingData) {
  const std::string out = path("deep/folder/out");
  const auto train_on = [&](const std::string& file) { return train(out, {"--train", file}); };
  expect_refused(train_on(path("missing.txt")), kData, "missing.txt");
  expect_refused(train_on(put("empty.txt", "")), kData, "empty.txt");
  expect_refused(train_on(put("blank.txt", "\n\n\n")), kData, "blank.txt");
  expect_refused(train_on(put("binary.txt", std::string("\x7f"
                                                        "ELF\0\0\xff\xfe\n",
                                                        9) +
                                                std::string(5000, '\0'))),
                 kData, "binary.txt");
  expect_refused(train_on(put("latin1.txt", "caf\xe9\nna\xefve\n")), kData, "latin1.txt");
  expect_refused(train_on(put("torn.txt.gz", "\x1f\x8b\x08")), kData, "torn.txt.gz");
  expect_refused(train_on(put("not.json", "{\"text\": ")), kData, "not.json");
  expect_refused(train(out, {"--train", put("long.txt", std::string(100, 'x') + "\n"), "--set", "data.overlong=drop"}),
                 kData, "long.txt: no usable sequences");
  expect_refused(train_on(folder_), kData, "a folder");
  expect_refused(train_on(put("packed.txt.bz2", "BZh9")), kData, "got the format .bz2");
  expect_refused(train_on(put("wide.txt", std::string("\xff\xfe") + "a\0\n\0")), kData, "got UTF-16");
  expect_refused(train_on(put("red\x1b[31m.txt", "")), kData, "red\\x1b[31m.txt: no usable rows");
  expect_refused(train(out, {"--column", "text"}), kData, "train.txt: text lines have no columns: got column text");
  expect_refused(train(out, {"--label-column", "kind"}), kData, "train.txt: text lines have no columns");
  expect_refused(train(out, {"--valid", path("missing.txt")}), kData, "missing.txt");
  expect_refused(train(out, {"--set", "data.tokenizer=" + path("missing")}), kData, "no tokenizer at");
  expect_refused(train(out, {"--set", "data.tokenizer=" + folder_}), kData, "no tokenizer in");
}

TEST_F(BadInput, Labels) {
  const std::string model = path("model");
  std::string one_class, torn = "label\ttext\n";
  for (int i = 0; i < 20; ++i) one_class += "sport\tx = " + std::to_string(i) + "\n";
  for (int i = 0; i < 20; ++i) torn += "x = " + std::to_string(i) + "\n";
  const std::string same = put("same.tsv", one_class);
  expect_refused(train(model, {"--train", same, "--label-column", "topic", "--column", "2"}), kData,
                 "same.tsv: no column topic");
  expect_refused(train(model, {"--train", same, "--label-column", "3", "--column", "2"}), kData,
                 "same.tsv: no column 3");
  expect_refused(train(model, {"--train", put("torn.tsv", torn), "--label-column", "label"}), kData,
                 "missing column text");
  const auto train_and_probe = [&](const std::string& valid) {
    return train(model, {"--train", same, "--valid", valid, "--label-column", "1", "--column", "2"});
  };
  const ProgramResult without_probe = run(train_and_probe(same));
  ASSERT_EQ(without_probe.status, 0) << "a preview is no reason not to train";
  EXPECT_NE(without_probe.err.find("previews have no probe: " + same + ": the label column has one class"),
            std::string::npos)
      << without_probe.err;
  ASSERT_EQ(run(train(model, {"--overwrite"})).status, 0);
  const auto probe = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {"eval", model, "--quiet", "--device", "cpu", "--only", "probe"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  expect_refused(probe({"--data", same, "--column", "2", "--label-column", "1"}), kData,
                 "same.tsv: the label column has one class: got \"sport\"");
  expect_refused(probe({"--data", same, "--column", "2", "--label-column", "topic"}), kData,
                 "same.tsv: no column topic");
  expect_refused(probe({"--data", same, "--column", "2"}), kUsage, "a probe needs labels");
  expect_refused(probe({"--data", put("two.tsv", "a\tx\nb\ty\n"), "--column", "2", "--label-column", "1"}), kData,
                 "too few labelled rows");
}

TEST_F(BadInput, ModelFiles) {
  const std::string model = path("model");
  ASSERT_EQ(run(train(model)).status, 0);
  const std::vector<std::string> use = {"export", model, "--out", path("out")};
  const auto damaged = [&](const std::string& name, const std::string& content,
                           const std::vector<std::string>& arguments, const std::string& part) {
    const std::string whole = get(model + "/" + name);
    put("model/" + name, content);
    expect_refused(arguments, kData, part);
    put("model/" + name, whole);
  };
  expect_refused({"export", path("none"), "--out", path("out")}, kData, "no model directory");
  expect_refused({"export", folder_, "--out", path("out")}, kData, "holds no config.json");

  const std::string weights = get(model + "/model.safetensors");
  for (const size_t size : {size_t{0}, size_t{5}, size_t{100}, weights.size() / 2, weights.size() - 1})
    damaged("model.safetensors", weights.substr(0, size), use, "model.safetensors");
  damaged("model.safetensors", std::string(64, '\xff'), use, "model.safetensors");

  const Json config = Json::parse(get(model + "/config.json"));
  const auto with = [&](const char* key, const Json& value) {
    Json changed = config;
    changed[key] = value;
    return changed.dump();
  };
  damaged("config.json", with("d_ff", 32), use, "shape [24, 16], expected [32, 16]");
  damaged("config.json", with("encoder_layers", 3), use, "lacks the weight encoder.block.2");
  damaged("config.json", with("encoder_layers", 1), use, "has a weight the model does not know");
  damaged("config.json", with("d_ff", "wide"), use, "d_ff");
  damaged("config.json", with("model_type", "bart"), use, "model_type");
  damaged("config.json", "{", use, "not a JSON object");
  damaged("config.json", "", use, "not a JSON object");
  damaged("tokenizer_config.json", "", use, "tokenizer_config.json");
  damaged("tokenizer_config.json", "{}", use, "no tokenizer in");

  const std::vector<std::string> resume = {"train", "--quiet", "--resume", "--out", model};
  const std::string state = get(model + "/checkpoint/state.safetensors");
  damaged("checkpoint/state.safetensors", state.substr(0, state.size() / 3), resume, "state.safetensors");
  damaged("checkpoint/state.safetensors", "", resume, "state.safetensors");
  damaged("checkpoint/state.safetensors", weights, resume, "holds no training state");
  damaged("run.json", "{", resume, "run.json");
  damaged("run.json", "{\"config\": {\"train\": {\"stepz\": 1}}}", resume, "stepz");

  EXPECT_EQ(run(use).status, 0);
  expect_refused(use, kUsage, "already holds a model (--overwrite replaces it)");
  expect_refused(train(path("out")), kUsage, "already holds a model");
  expect_refused({"export", model, "--out", model, "--overwrite"}, kUsage, "another folder");
  fs::remove(path("out/tokenizer_config.json"));
  expect_refused({"import", path("out"), "--out", path("imported")}, kData, "--tokenizer DIR");
}

// Whatever is copied or printed of it would overrun the stack.
TEST_F(BadInput, DeepJsonInEveryFile) {
  const std::string model = path("model");
  ASSERT_EQ(run(train(model)).status, 0);
  for (const size_t levels : {80'000, 1'000'000}) {
    const std::string deep = std::string(levels, '[') + std::string(levels, ']');
    const auto refused = [&](const std::string& name, const std::string& content,
                             const std::vector<std::string>& arguments) {
      const std::string whole = get(model + "/" + name);
      put("model/" + name, content);
      expect_refused(arguments, kData, name);
      put("model/" + name, whole);
    };
    const std::vector<std::string> use = {"export", model, "--out", path("out")};
    const std::vector<std::string> resume = {"train", "--quiet", "--resume", "--out", model};
    refused("config.json", R"({"model_type": "transformer_vae", "d_model": )" + deep + "}", use);
    refused("config.json", R"({"model_type": )" + deep + "}", use);
    refused("tokenizer_config.json", R"({"tokenizer_class": "ByT5Tokenizer", "extra_ids": )" + deep + "}", use);
    refused("run.json", R"({"config": {"train": {"steps": )" + deep + "}}}", resume);
    refused("run.json", R"({"config": {"data": )" + deep + "}}", {"eval", model, "--quiet"});
    refused("run.json", deep, {"quantize", model, "--out", path("out")});
    // The state is a text in the header of the checkpoint, of the same length as before.
    std::string state = get(model + "/checkpoint/state.safetensors");
    std::string header = R"({"__metadata__":{"state":"{\"step\":)" + deep + R"(}"}})";
    const uint64_t size = header.size();
    refused("checkpoint/state.safetensors", std::string(reinterpret_cast<const char*>(&size), sizeof size) + header,
            resume);
  }
}

TEST_F(BadInput, MemoryThatRunsOutIsOneLine) {
  // In KiB: room for the program and its libraries, and not for these weights.
  const ProgramResult result =
      run_with("ulimit -v 3000000; ",
               train(path("out"), {"--threads", "1", "--set", "model.d_model=4096", "--set", "model.d_ff=65536"}), "");
  expect_one_line(result, kUsage, "out of memory: ");
  EXPECT_NE(result.err.find("smaller"), std::string::npos) << result.err;
}

TEST_F(BadInput, AFewBytesThatClaimMuchMemoryAreRefused) {
  const std::string header("\x28\xb5\x2f\xfd\x00\xa8\x00\x39\x00\x00\x00", 11);  // a window of 2 GiB
  const ProgramResult result =
      run_with("ulimit -v 2000000; ",
               {"tokenizer", "train", put("lines.txt.zst", header), "--threads", "1", "--out", path("out")}, "");
  expect_one_line(result, kData, "its window is larger than the memory that is free");
}

TEST_F(BadInput, ADamagedModelAsksForNoMemory) {
  const std::string model = path("model");
  ASSERT_EQ(run(train(model)).status, 0);
  const Json saved = Json::parse(get(model + "/config.json"));
  Json config = saved;
  config["vocab_size"] = 10'000'000;
  config["d_model"] = 65'536;
  put("model/config.json", config.dump());
  expect_refused({"export", model, "--out", path("out")}, kData, "model.safetensors: weight ");
  expect_refused({"train", "--quiet", "--resume", "--out", model}, kData, "state.safetensors: weight ");
  config = saved;
  config["bottleneck"] = "bottle";
  put("model/config.json", config.dump());
  expect_refused({"train", "--quiet", "--resume", "--out", model}, kData, "model/config.json: model.bottleneck");
  expect_refused({"export", model, "--out", path("out")}, kData, "model/config.json: model.bottleneck");
}

TEST_F(BadInput, NumbersBeyondTheirRange) {
  expect_refused(train(path("out"), {"--seed", "9000000000000001000"}), kUsage, "--seed");
  expect_refused(train(path("out"), {"--set", "train.seed=18446744073709551615"}), kUsage,
                 "train.seed: got 18446744073709551615, expected 0 to 9e+15");
  expect_refused(
      {"tokenizer", "train", "--vocab-size", "2000000000", "--out", path("out"), path("train.txt"), "--quiet"}, kUsage,
      "got 2000000000, expected 272 to 1000000");
  expect_refused({"tokenizer", "train", "--kind", "unigrm", "--out", path("out"), path("train.txt"), "--quiet"}, kUsage,
                 "--kind: got \"unigrm\", expected one of unigram, bpe, char, byte (did you mean unigram?)");
  // The largest seed there is can be resumed.
  std::vector<std::string> seeded = train(path("run"), {"--seed", "9000000000000000"});
  ASSERT_EQ(run(seeded).status, 0);
  EXPECT_EQ(run({"train", "--quiet", "--resume", "--out", path("run")}).status, 0);
}

TEST_F(BadInput, TooFewFileDescriptors) {
  // Beside stdin, stdout and stderr: one for the loader of libraries, and none for the two ends of a socket. What the
  // runner of the tests has open is closed first.
  const ProgramResult result =
      run_with("sh -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n 4; exec \"$0\" \"$@\"' ",
               {"plan", "lines_small", "--batch", "1", "--measure", "--device", "cpu"}, "");
  expect_one_line(result, kData, "Too many open files");
}

TEST_F(BadInput, OutputThatCannotBeWritten) {
  const std::string file = put("file", "content");
  expect_refused(train(file), kData, file);
  expect_refused(train(file + "/below"), kData, file + "/below");
  expect_refused(train("/proc/tvae/out"), kData, "/proc/tvae/out");
  expect_refused({"tokenizer", "train", "--quiet", "--kind", "byte", "--out", file + "/below", path("train.txt")},
                 kData, file + "/below");
  const ProgramResult full = run_with("", {"config"}, ">/dev/full");
  expect_one_line(full, kData, "cannot write to stdout");
}

/// Files of a failed run: each is whole, none is temporary.
void expect_only_whole_files(const std::string& out) {
  if (!fs::exists(out)) return;
  for (const auto& entry : fs::recursive_directory_iterator(out)) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp."), std::string::npos) << entry.path();
    if (entry.path().extension() != ".json") continue;
    std::ifstream json(entry.path());
    EXPECT_TRUE(Json::accept(json)) << entry.path();
  }
}

// A limit on the size of files stands for a full disk where no file system can be mounted.
TEST_F(BadInput, FoldersOfOthersAreLeftAlone) {
  fs::create_directories(path("project/logs"));
  put("project/README.md", "mine");
  put("project/logs/a.log", "mine");
  for (const char* flag : {"--quiet", "--overwrite", "--resume"})
    expect_refused(train(path("project"), {flag}), kUsage, "holds files that are no run's");
}

TEST_F(BadInput, VerboseSaysWhere) {
  const ProgramResult result = run({"decode", path("none"), "--verbose"});
  EXPECT_EQ(result.status, kData);
  EXPECT_NE(result.err.find("in tvae::load_model("), std::string::npos) << result.err;
}

TEST_F(BadInput, FileTooLarge) {
  const std::string out = path("out");
  // Blocks of 512 bytes (POSIX sh): room for the small files, not for the weights.
  const ProgramResult result = run_with("ulimit -f 40; ", train(out), "");
  expect_one_line(result, kData, "model.safetensors: File too large");
  expect_only_whole_files(out);
  EXPECT_FALSE(fs::exists(out + "/model.safetensors"));
  EXPECT_EQ(run(train(out, {"--resume"})).status, 0);
}

class FullDisk : public BadInput {
 protected:
  void SetUp() override {
    BadInput::SetUp();
    fs::create_directory(path("disk"));
    mounted_ = mount("tmpfs", path("disk").c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  void TearDown() override {
    if (mounted_) umount(path("disk").c_str());
    BadInput::TearDown();
  }
  bool mounted_ = false;
};

TEST_F(FullDisk, LeavesWhatWasThereAndGoesOnWhenThereIsRoom) {
  if (!mounted_) GTEST_SKIP() << "only root may mount; FileTooLarge tests the same without";
  const std::string out = path("disk/out");
  const ProgramResult result = run(train(out));
  expect_one_line(result, kData, "No space left on device");
  expect_only_whole_files(out);
  EXPECT_FALSE(fs::exists(out + "/model.safetensors"));
  ASSERT_EQ(mount("tmpfs", path("disk").c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  EXPECT_EQ(run(train(out, {"--resume"})).status, 0);

  const std::string weights = get(out + "/model.safetensors"), state = get(out + "/checkpoint/state.safetensors");
  const auto room = fs::space(path("disk"));
  std::ofstream(path("disk/filling")) << std::string(room.available - 4096, 'x');
  const ProgramResult exported = run({"export", out, "--out", path("disk/exported"), "--quiet"});
  expect_one_line(exported, kData, "No space left on device");
  expect_only_whole_files(path("disk"));
  EXPECT_TRUE(get(out + "/model.safetensors") == weights);
  EXPECT_TRUE(get(out + "/checkpoint/state.safetensors") == state);
}

}  // namespace
}  // namespace tvae
