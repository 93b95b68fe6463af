#include "tvae/base/folder_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

std::string refusal(const std::string& folder) {
  try {
    const FolderLock lock(folder);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(FolderLock, HasOneOwnerAndLeavesNoTrace) {
  const test::TemporaryFolder folder;
  {
    const FolderLock lock(folder.path());
    const std::string message = refusal(folder.path());
    EXPECT_NE(message.find("is being written by process " + std::to_string(getpid())), std::string::npos) << message;
  }
  EXPECT_EQ(refusal(folder.path()), "");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THROW(FolderLock(folder.path("none")), DataError);
}

TEST(FolderLock, OfAKilledProcessIsNoObstacle) {
  const test::TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    if (write(ready[1], "x", 1) == 1) pause();
    _exit(1);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_NE(refusal(folder.path()).find("process " + std::to_string(child)), std::string::npos);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(std::filesystem::exists(folder.path(".lock")));
  EXPECT_EQ(refusal(folder.path()), "");
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace tvae
