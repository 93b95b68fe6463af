// Runs as they go wrong: two at once, killed, out of room, with closed descriptors, on data of odd names.
#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/apps/program.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

class Runs : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    std::string lines;
    for (int i = 0; i < 60; ++i) lines += "x" + std::to_string(i) + " = a + " + std::to_string(i * 37 % 101) + "\n";
    put("ok.txt", lines);
  }
  std::vector<std::string> train(const std::string& out, const std::vector<std::string>& flags = {},
                                 const std::string& data = "ok.txt") const {
    std::vector<std::string> arguments = {"train",        "--train",   path(data), "--valid",
                                          path("ok.txt"), "--out",     path(out),  "--device",
                                          "cpu",          "--threads", "1",        "--quiet"};
    for (const std::string& setting :
         {std::string("data.tokenizer_kind=byte"), std::string("data.max_tokens=16"), "data.cache_dir=" + path("cache"),
          std::string("model.d_model=16"), std::string("model.d_kv=8"), std::string("model.d_ff=24"),
          std::string("model.num_heads=2"), std::string("model.scale_attention=false"),
          std::string("model.encoder_layers=1"), std::string("model.decoder_layers=1"),
          std::string("model.latent_tokens=2"), std::string("model.latent_size=4"), std::string("train.batch_size=16"),
          std::string("train.steps=3")})
      arguments.insert(arguments.end(), {"--set", setting});
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return arguments;
  }
  static void expect_one_line(const ProgramResult& result, int status, const std::string& message) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  /// Waits for something that a process in the background does; false where it takes a minute.
  static bool comes(const std::function<bool()>& true_at_last) {
    for (int i = 0; i < 6000; ++i) {
      if (true_at_last()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

TEST_F(Runs, APathThatIsNoUtf8LeavesTheOldRun) {
  ASSERT_EQ(run(train("r")).status, 0);
  const std::string weights = get(path("r/model.safetensors"));
  fs::copy_file(path("ok.txt"), path("caf\xe9.txt"));
  expect_one_line(run(train("r", {"--overwrite"}, "caf\xe9.txt")), 2, "no UTF-8");
  expect_one_line(run(train("r", {"--overwrite", "--column", "caf\xe9"})), 2, "data.column");
  expect_one_line(run(train("r", {"--overwrite", "--from", path("caf\xe9")})), 2, "no UTF-8");
  expect_one_line(run({"config", "--set", "data.train=caf\xe9"}), 2, "data.train");
  expect_one_line(run({"config", "--set", "caf\xe9=1"}), 2, "unknown key");
  EXPECT_TRUE(get(path("r/model.safetensors")) == weights);
  EXPECT_EQ(run({"train", "--quiet", "--resume", "--out", path("r")}).status, 0);
}

TEST_F(Runs, AFolderHasOneWriterForTheLifeOfARun) {
  ASSERT_EQ(run(train("other")).status, 0);
  {
    BackgroundProgram first(train("r", {"--set", "train.steps=1000000", "--set", "train.save_steps=1"}));
    ASSERT_TRUE(comes([&] { return fs::exists(path("r/checkpoint/state.safetensors")); }));
    const std::string owner = "is being written by process " + std::to_string(first.id());
    for (const std::vector<std::string>& second : {train("r"),
                                                   train("r", {"--overwrite"}),
                                                   {"train", "--resume", "--quiet", "--out", path("r")},
                                                   {"quantize", path("other"), "--out", path("r"), "--overwrite"},
                                                   {"export", path("other"), "--out", path("r"), "--overwrite"},
                                                   {"prior", "fit", path("r")}})
      expect_one_line(run(second), 2, owner);
    EXPECT_TRUE(first.running());
    first.send(SIGKILL);
    first.wait();
  }
  EXPECT_TRUE(fs::exists(path("r/.lock"))) << "stale";
  const ProgramResult after = run(train("r", {"--overwrite"}));
  EXPECT_EQ(after.status, 0) << after.err;
  EXPECT_FALSE(fs::exists(path("r/.lock")));
}

TEST_F(Runs, DataThatMovedIsResumed) {
  ASSERT_EQ(run(train("r")).status, 0);
  fs::create_directory(path("new"));
  fs::rename(path("ok.txt"), path("new/ok.txt"));
  const std::vector<std::string> resume = {"train",   "--quiet",          "--resume", "--out",           path("r"),
                                           "--train", path("new/ok.txt"), "--valid",  path("new/ok.txt")};
  const ProgramResult moved = run(resume);
  EXPECT_EQ(moved.status, 0) << moved.err;
  put("new/ok.txt", "y = 2\ny = 3\n");
  expect_one_line(run(resume), 3, "the data changed since the run began");
}

TEST_F(Runs, ClosedDescriptorsGetNothingThatIsMeantForOthers) {
  // Without a stdout the run is made all the same, and its last line cannot be written.
  for (const auto& [closed, status] :
       std::vector<std::pair<std::string, int>>{{"2>&-", 0}, {"<&- 2>&-", 0}, {"<&- >&- 2>&-", 3}}) {
    fs::remove_all(path("r"));
    EXPECT_EQ(run_with("", train("r"), closed).status, status) << closed;
    std::ifstream log(path("r/logs/metrics.jsonl"));
    int64_t lines = 0;
    for (std::string line; std::getline(log, line); ++lines) EXPECT_TRUE(Json::accept(line)) << closed << ": " << line;
    EXPECT_GT(lines, 0) << closed;
    const ProgramResult loaded = run({"reconstruct", path("r")}, "x1 = a + 37\n");
    EXPECT_EQ(loaded.status, 0) << closed << loaded.err;
  }
}

TEST_F(Runs, ADivergedRunIsResumed) {
  const ProgramResult diverged =
      run(train("r", {"--set", "train.eval_steps=1", "--set", "train.save_steps=1", "--set", "train.steps=40", "--set",
                      "train.learning_rate=1000", "--set", "train.warmup_steps=0"}));
  EXPECT_TRUE(fs::exists(path("r/checkpoint/state.safetensors"))) << "a preview ends no run";
  const ProgramResult resumed = run({"train", "--quiet", "--resume", "--out", path("r")});
  EXPECT_EQ(resumed.err.find("damaged"), std::string::npos) << resumed.err;
  EXPECT_EQ(resumed.status, diverged.status) << resumed.err;
  EXPECT_EQ(resumed.err, diverged.err);
}

/// Kills `quantize --overwrite` while it works: the folder is a model all the time.
TEST_F(Runs, AKilledOverwriteLeavesAModel) {
  ASSERT_EQ(run(train("m")).status, 0);
  ASSERT_EQ(run({"quantize", path("m"), "--out", path("q")}).status, 0);
  for (int kills = 0; kills < 8; ++kills) {
    BackgroundProgram program(
        {"quantize", path("m"), "--weights", kills % 2 == 0 ? "fp16" : "int8", "--out", path("q"), "--overwrite"});
    // From the moment on that the new model is being filled.
    while (program.running() && !fs::exists(path("q/.new." + std::to_string(program.id())))) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(kills * kills * 500));
    program.send(SIGKILL);
    program.wait();
    const ProgramResult used = run({"reconstruct", path("q")}, "x1 = a + 37\n");
    EXPECT_EQ(used.status, 0) << used.err;
  }
  EXPECT_EQ(run({"quantize", path("m"), "--out", path("q"), "--overwrite"}).status, 0);
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_NE(entry.path().filename().string()[0], '.') << entry.path();
  for (const auto& entry : fs::directory_iterator(path("q")))
    EXPECT_NE(entry.path().filename().string()[0], '.') << entry.path();
}

TEST_F(Runs, WhatCannotBeWrittenIsSaid) {
  expect_one_line(run_with("", {"--help"}, ">/dev/full"), 3, "cannot write to stdout");
  expect_one_line(run_with("", {"train", "--help"}, ">/dev/full"), 3, "cannot write to stdout");
  fs::create_symlink(path("nowhere"), path("link"));
  expect_one_line(run(train("link")), 3, "a link that leads nowhere");
}

TEST_F(Runs, WhatAKillLeavesBehindMayBeOverwritten) {
  ASSERT_EQ(run(train("m")).status, 0);
  const std::vector<std::string> quantize = {"quantize", path("m"), "--out", path("q"), "--overwrite"};
  ASSERT_EQ(run(quantize).status, 0);
  const std::string weights = get(path("q/model.safetensors"));
  // As a kill leaves it while the new model is written; the process no longer lives.
  fs::create_directory(path("q/.new.4194305"));
  put("q/.new.4194305/model.safetensors.tmp.4194305.0", "half");
  put("q/model.safetensors.tmp.4194305.0", "half");
  const ProgramResult again = run(quantize);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(get(path("q/model.safetensors")) == weights);
  // As versions before left it, between weights and config.json.
  fs::remove(path("q/config.json"));
  fs::remove(path("q/run.json"));
  EXPECT_EQ(run(quantize).status, 0);
  EXPECT_EQ(run({"reconstruct", path("q")}, "x1 = a + 37\n").status, 0);
  for (const auto& entry : fs::recursive_directory_iterator(path("q"))) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp."), std::string::npos) << entry.path();
    EXPECT_EQ(entry.path().filename().string().find(".new"), std::string::npos) << entry.path();
  }
}

TEST_F(Runs, AFailedOverwriteKeepsTheOldModel) {
  ASSERT_EQ(run(train("m")).status, 0);
  ASSERT_EQ(run({"quantize", path("m"), "--out", path("q")}).status, 0);
  const std::string weights = get(path("q/model.safetensors"));
  // Blocks of 512 bytes: room for the small files, not for the weights.
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"quantize", path("m"), "--weights", "fp16", "--out", path("q"), "--overwrite"},
        std::vector<std::string>{"export", path("m"), "--out", path("q"), "--overwrite"}, train("q", {"--overwrite"})})
    expect_one_line(run_with("ulimit -f 20; ", command, ""), 3, "File too large");
  EXPECT_TRUE(get(path("q/model.safetensors")) == weights);
  EXPECT_EQ(run({"reconstruct", path("q")}, "x1 = a + 37\n").status, 0);
  EXPECT_FALSE(fs::exists(path("q/.lock")));
}

TEST_F(Runs, TooFewDescriptorsAreNoBugOfOurs) {
  ASSERT_EQ(run(train("r")).status, 0);
  for (int most = 4; most <= 12; ++most) {
    const ProgramResult result = run_with("prlimit --nofile=" + std::to_string(most) + " ",
                                          {"train", "--quiet", "--resume", "--out", path("r")}, "");
    // 127: the loader itself finds no descriptor for a library.
    EXPECT_TRUE(result.status == 0 || result.status == 3 || result.status == 127) << most << result.err;
  }
  EXPECT_EQ(run({"train", "--quiet", "--resume", "--out", path("r")}).status, 0);
}

TEST_F(Runs, OpenMpSpinsForAMomentUnlessTheUserSaysOtherwise) {
  const ProgramResult shown =
      run_with("env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY OMP_DISPLAY_ENV=verbose ", {"config"}, "");
  EXPECT_NE(shown.err.find("GOMP_SPINCOUNT = '3000'"), std::string::npos) << shown.err;
  const ProgramResult chosen =
      run_with("env -u OMP_WAIT_POLICY GOMP_SPINCOUNT=77 OMP_DISPLAY_ENV=verbose ", {"config"}, "");
  EXPECT_NE(chosen.err.find("GOMP_SPINCOUNT = '77'"), std::string::npos) << chosen.err;
  const ProgramResult passive =
      run_with("env -u GOMP_SPINCOUNT OMP_WAIT_POLICY=active OMP_DISPLAY_ENV=verbose ", {"config"}, "");
  EXPECT_EQ(passive.err.find("GOMP_SPINCOUNT = '3000'"), std::string::npos) << passive.err;
}

}  // namespace
}  // namespace tvae
