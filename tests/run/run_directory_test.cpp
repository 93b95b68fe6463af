#include "tvae/run/run_directory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

/// A folder with an old model in it, and a file and a folder of someone else.
class RunFolder : public testing::Test {
 protected:
  void SetUp() override {
    put_old_model();
    folder_.put("out/notes.txt", "mine");
    folder_.put("out/mine/notes.txt", "mine");
  }
  void put_old_model() {
    folder_.put("out/config.json", "{\"model_type\": \"old\"}");
    folder_.put("out/model.safetensors", "old");
    folder_.put("out/run.json", "{\"config\": {}}");
    folder_.put("out/spiece.model", "old");
    folder_.put("out/latent/prior.json", "old");
  }
  void expect_old() const {
    EXPECT_EQ(folder_.get("out/model.safetensors"), "old");
    EXPECT_EQ(folder_.get("out/config.json"), "{\"model_type\": \"old\"}");
    EXPECT_EQ(folder_.get("out/latent/prior.json"), "old");
    expect_mine();
  }
  void expect_new() const {
    EXPECT_EQ(folder_.get("out/model.safetensors"), "new");
    EXPECT_EQ(folder_.get("out/config.json"), "{\"model_type\": \"new\"}");
    for (const char* old : {"out/latent", "out/run.json", "out/spiece.model"})
      EXPECT_FALSE(fs::exists(folder_.path(old))) << old;
    expect_mine();
  }
  /// Nothing of others is lost, and nothing of ours is left over.
  void expect_mine() const {
    EXPECT_EQ(folder_.get("out/notes.txt"), "mine");
    EXPECT_EQ(folder_.get("out/mine/notes.txt"), "mine");
    for (const auto& entry : fs::directory_iterator(out()))
      EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
  }
  static void write_new(const std::string& folder) {
    write_file_atomically(folder + "/model.safetensors", "new");
    write_file_atomically(folder + "/config.json", "{\"model_type\": \"new\"}");
  }
  std::string out() const { return folder_.path("out"); }
  /// Runs `work` in a process that is then gone without any clean-up.
  static void in_a_killed_process(const std::function<void()>& work) {
    const pid_t child = fork();
    if (child == 0) {
      work();
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }

  test::TemporaryFolder folder_;
};

TEST_F(RunFolder, ANewModelTakesTheOldOnesPlaceAndFilesOfOthersStay) {
  {
    RunDirectory directory(out(), StartMode::kOverwrite);
    directory.replace([&](const std::string& folder) {
      write_new(folder);
      EXPECT_EQ(folder_.get("out/model.safetensors"), "old") << "nothing old is touched before the new is complete";
    });
  }
  expect_new();
}

TEST_F(RunFolder, WhatIsKilledAfterTheExchangeLosesNothing) {
  // The new folder bears the name, and the old one, with the files of others, is still beside it.
  fs::rename(out(), folder_.path(".out.new.4194305"));
  write_new(out());
  EXPECT_THROW(RunDirectory(out(), StartMode::kNew), OccupiedFolder);
  expect_new();
  // The new folder is complete and does not bear the name yet.
  fs::remove(out() + "/config.json");
  fs::remove(out() + "/model.safetensors");
  put_old_model();
  write_new(folder_.path(".out.new.4194305"));
  EXPECT_THROW(RunDirectory(out(), StartMode::kNew), OccupiedFolder);
  expect_old();
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

TEST_F(RunFolder, KeepsItsRightsItsLinkAndItsLock) {
  fs::permissions(out(), fs::perms::owner_all | fs::perms::group_all);
  fs::create_directory_symlink(out(), folder_.path("link"));
  {
    RunDirectory directory(folder_.path("link"), StartMode::kOverwrite);
    directory.replace(write_new);
    EXPECT_THROW(RunDirectory(out(), StartMode::kOverwrite), ConfigError) << "still locked";
  }
  expect_new();
  EXPECT_TRUE(fs::is_symlink(folder_.path("link")));
  EXPECT_EQ(fs::status(out()).permissions(), fs::perms::owner_all | fs::perms::group_all);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2);
}

TEST_F(RunFolder, TheCurrentFolderStaysTheCurrentFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(out());
  {
    RunDirectory directory(".", StartMode::kOverwrite);
    directory.replace(write_new);
  }
  EXPECT_TRUE(fs::exists("model.safetensors"));
  fs::current_path(before);
  expect_new();
}

TEST_F(RunFolder, WhatFailsLeavesTheOldModel) {
  {
    RunDirectory directory(out(), StartMode::kOverwrite);
    EXPECT_THROW(directory.replace([](const std::string& folder) {
      write_new(folder);
      throw DataError("the disk is full");
    }),
                 DataError);
  }
  expect_old();
}

TEST_F(RunFolder, WhatIsKilledWhileItWritesLeavesTheOldModel) {
  in_a_killed_process([this] {
    RunDirectory directory(out(), StartMode::kOverwrite);
    directory.replace([](const std::string& folder) {
      write_new(folder);
      _exit(0);
    });
  });
  EXPECT_EQ(folder_.get("out/model.safetensors"), "old");
  EXPECT_THROW(RunDirectory(out(), StartMode::kNew), OccupiedFolder);
  expect_old();
}

TEST_F(RunFolder, WhatIsKilledBetweenTwoRenamesIsFinishedByTheNextWriter) {
  const auto entries = [](const std::string& folder) {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  };
  // Complete, with the old model still there, and in part already gone.
  for (const bool half_gone : {false, true}) {
    put_old_model();
    write_new(out() + "/.new");
    if (half_gone) fs::remove(out() + "/config.json");
    EXPECT_THROW(RunDirectory(out(), StartMode::kNew), OccupiedFolder);
    expect_new();
    fs::remove(out() + "/config.json");
    fs::remove(out() + "/model.safetensors");
  }
  // The old one gone, the new one moved in part.
  write_new(out() + "/.moving");
  fs::rename(out() + "/.moving/model.safetensors", out() + "/model.safetensors");
  EXPECT_THROW(RunDirectory(out(), StartMode::kNew), OccupiedFolder);
  expect_new();
  EXPECT_EQ(entries(out()), 4);
}

TEST_F(RunFolder, WhatAnEarlierVersionLeftBetweenTwoFilesMayBeOverwritten) {
  fs::remove_all(out());
  folder_.put("out/model.safetensors", "half");
  folder_.put("out/tokenizer_config.json", "{}");
  EXPECT_NO_THROW(RunDirectory(out(), StartMode::kOverwrite));
  fs::remove(out() + "/tokenizer_config.json");
  EXPECT_THROW(RunDirectory(out(), StartMode::kOverwrite), ConfigError) << "weights of someone else";
}

TEST_F(RunFolder, HasOneWriter) {
  const RunDirectory first(out(), StartMode::kResume);
  for (const StartMode mode : {StartMode::kNew, StartMode::kResume, StartMode::kOverwrite}) try {
      const RunDirectory second(out(), mode);
      ADD_FAILURE() << "a second writer";
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find("process " + std::to_string(getpid())), std::string::npos);
    }
}

TEST_F(RunFolder, ASecondResumeLeavesTheFirstOnesTemporaryFiles) {
  const std::string living = folder_.path("out/model.safetensors.tmp." + std::to_string(getppid()) + ".0");
  // No process has this id: they end below 2^22.
  const std::string dead = folder_.path("out/checkpoint/state.safetensors.tmp.4194305.3");
  folder_.put("out/" + fs::path(living).filename().string(), "half");
  folder_.put("out/checkpoint/" + fs::path(dead).filename().string(), "half");
  folder_.put("out/notes.tmp.txt", "mine");
  const RunDirectory directory(out(), StartMode::kResume);
  EXPECT_TRUE(fs::exists(living));
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(folder_.path("out/notes.tmp.txt")));
}

TEST_F(RunFolder, RefusalsLeaveNoTrace) {
  folder_.put("others/README.md", "mine");
  EXPECT_THROW(RunDirectory(folder_.path("others"), StartMode::kOverwrite), ConfigError);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path("others")), fs::directory_iterator()), 1);
  {
    const RunDirectory directory(folder_.path("a/b/c"), StartMode::kNew);
    EXPECT_TRUE(fs::exists(folder_.path("a/b/c")));
  }
  EXPECT_FALSE(fs::exists(folder_.path("a")));
  fs::create_symlink(folder_.path("nowhere"), folder_.path("link"));
  try {
    const RunDirectory directory(folder_.path("link"), StartMode::kNew);
    ADD_FAILURE() << "a dangling link";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("a link that leads nowhere"), std::string::npos);
  }
}

}  // namespace
}  // namespace tvae
