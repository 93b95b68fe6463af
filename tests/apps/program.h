// Runs the program as a user does: arguments and stdin in; stdout, stderr and exit status out.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace tvae {

struct ProgramResult {
  int status = -1;
  std::string out;
  std::string err;
};

/// The program at work, with its stdout and stderr thrown away. Killed at the end of its scope.
class BackgroundProgram {
 public:
  explicit BackgroundProgram(const std::vector<std::string>& arguments) : process_(fork()) {
    if (process_ != 0) return;
    const int nowhere = open("/dev/null", O_RDWR);
    for (const int descriptor : {0, 1, 2}) dup2(nowhere, descriptor);
    std::vector<char*> pointers = {const_cast<char*>(TVAE_PROGRAM)};
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    execv(TVAE_PROGRAM, pointers.data());
    _exit(127);
  }
  ~BackgroundProgram() {
    if (!running()) return;
    send(SIGKILL);
    wait();
  }
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  bool running() {
    if (!ended_) ended_ = wait4(process_, &status_, WNOHANG, &used_) == process_;
    return !ended_;
  }
  void send(int signal) { ::kill(process_, signal); }
  pid_t id() const { return process_; }
  /// Exit status, or minus the signal that ended it.
  int wait() {
    if (!ended_) ended_ = wait4(process_, &status_, 0, &used_) == process_;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
  }
  /// The most bytes that it had in memory, once it has ended.
  int64_t peak_memory() const { return int64_t{1024} * used_.ru_maxrss; }

 private:
  pid_t process_;
  int status_ = 0;
  rusage used_{};
  bool ended_ = false;
};

/// A command with more arguments: other files of --train and --valid take the place of its own, since both would be
/// read.
inline std::vector<std::string> with_arguments(std::vector<std::string> command, const std::vector<std::string>& more) {
  for (const char* flag : {"--train", "--valid"}) {
    const auto own = std::find(command.begin(), command.end(), flag);
    if (own != command.end() && std::find(more.begin(), more.end(), flag) != more.end()) command.erase(own, own + 2);
  }
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

/// A fixture with a folder of its own, removed after the test.
class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tvae_program_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string put(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static std::string get(const std::string& file) {
    std::ostringstream content;
    content << std::ifstream(file, std::ios::binary).rdbuf();
    return content.str();
  }

  ProgramResult run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    return run_with("", arguments, "<" + quoted(put("stdin", input)));
  }
  /// The same with shell text before and after the program and its arguments.
  ProgramResult run_with(const std::string& before, const std::vector<std::string>& arguments,
                         const std::string& after) const {
    put("stdout", "");
    std::string command = before + quoted(TVAE_PROGRAM);
    for (const std::string& argument : arguments) command += " " + quoted(argument);
    command += " >" + quoted(path("stdout")) + " 2>" + quoted(path("stderr")) + " " + after;
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, get(path("stdout")), get(path("stderr"))};
  }

  std::string folder_;

 private:
  static std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
  }
};

}  // namespace tvae
