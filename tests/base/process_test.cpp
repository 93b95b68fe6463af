#include "tvae/base/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "tvae/base/error.h"

namespace tvae {
namespace {

using Outcome = ChildProcess::Outcome;
constexpr std::chrono::seconds kLong{60};

TEST(ChildProcess, ReadsAndAnswers) {
  ChildProcess child("/bin/sh", {"sh", "-c", "read -r line; printf \"<$line>\"; exit 3"}, {});
  EXPECT_EQ(child.send("a b\n", kLong), Outcome::kDone);
  char first = '\0';
  EXPECT_EQ(child.receive(first, kLong), Outcome::kDone);
  EXPECT_EQ(first, '<');
  EXPECT_EQ(child.receive_all(), "a b>");
  EXPECT_EQ(child.receive(first, kLong), Outcome::kEnded);
  EXPECT_EQ(child.wait(), 3);
}

TEST(ChildProcess, KeepsNothingOpenThatIsClosedHere) {
  for (const bool forked : {false, true}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);  // as a connection of a server
    const std::unique_ptr<ChildProcess> child =
        forked ? std::make_unique<ChildProcess>([] { return sleep(60), ""; })
               : std::make_unique<ChildProcess>("/bin/sh", std::vector<std::string>{"sh", "-c", "read -r line"},
                                                ChildProcess::Options{});
    close(ends[0]);
    pollfd waiting{ends[1], POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, /*milliseconds=*/10'000), 1) << "the other side is not told; forked " << forked;
    char byte = '\0';
    EXPECT_EQ(read(ends[1], &byte, 1), 0);
    close(ends[1]);
  }
}

TEST(ChildProcess, TellsTheEndFromNoAnswer) {
  char byte = '\0';
  ChildProcess silent("/bin/sh", {"sh", "-c", "read -r line"}, {});
  EXPECT_EQ(silent.receive(byte, std::chrono::milliseconds(1)), Outcome::kTimeout);
  ChildProcess dies("/bin/sh", {"sh", "-c", "kill -9 $$"}, {});
  EXPECT_EQ(dies.receive(byte, kLong), Outcome::kEnded);
  EXPECT_EQ(dies.wait(), -SIGKILL);
  EXPECT_EQ(dies.send("too late", kLong), Outcome::kEnded) << "and no SIGPIPE";
}

TEST(ChildProcess, IsLimitedInItsProcessorTime) {
  ChildProcess busy("/bin/sh", {"sh", "-c", "while :; do :; done"}, {.cpu_seconds = 1});
  EXPECT_EQ(busy.wait(), -SIGKILL);
}

TEST(ChildProcess, WhatCannotBeStartedIsADataError) {
  try {
    ChildProcess("/no/such/program", {"program"}, {});
    FAIL();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "cannot start /no/such/program: got No such file or directory");
  }
}

// In a process of its own, which may open no file.
TEST(ChildProcess, WithoutFileDescriptorsIsADataError) {
  const pid_t process = fork();
  if (process == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    int status = 1;
    try {
      ChildProcess child("/bin/sh", {"sh"}, {});
    } catch (const DataError&) {
      status = 0;
    }
    _exit(status);
  }
  int status = 0;
  ASSERT_EQ(waitpid(process, &status, 0), process);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(DoneByACopy, GivesWhatTheWorkGives) {
  const std::string large(3'000'000, 'x');  // more than a socket holds
  EXPECT_EQ(done_by_a_copy(
                "working", [&] { return large; }, Progress::none()),
            large);
  EXPECT_EQ(done_by_a_copy(
                "working", [] { return std::string(); }, Progress::none()),
            "");
  int here = 0;
  done_by_a_copy(
      "working", [&] { return std::to_string(++here); }, Progress::none());
  EXPECT_EQ(here, 0) << "done by another process";
}

TEST(DoneByACopy, ThrowsWhatTheWorkThrows) {
  const auto failing = []() -> std::string { throw ConfigError("no", "this"); };
  try {
    done_by_a_copy("working", failing, Progress::none());
    FAIL();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "no: got this");
  }
  const auto dying = []() -> std::string {
    raise(SIGKILL);
    return "";
  };
  EXPECT_THROW(done_by_a_copy("working", dying, Progress::none()), DataError);
}

TEST(DoneByACopy, IsKilledWhereTheProgressThrows) {
  class Stopping : public Progress {
    void update(const char*, int64_t, int64_t) override { throw Interrupted("stopped"); }
  } stopping;
  const auto endless = []() -> std::string {
    for (;;) pause();
  };
  EXPECT_THROW(done_by_a_copy("working", endless, stopping), Interrupted);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
}

}  // namespace
}  // namespace tvae
