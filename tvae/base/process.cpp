#include "tvae/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "tvae/base/error.h"

namespace tvae {

ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& arguments,
                           const Options& options)
    : own_group_(options.own_group) {
  const auto refused = [&](int error) { return DataError("cannot start " + program, std::strerror(error)); };
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw refused(errno);
  socket_ = ends[0];

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  if (options.quiet) posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  // Else it would keep open what this process closes, such as a server's connections, whose clients then wait for ever.
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (options.own_group) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const int error = posix_spawn(&process_, program.c_str(), &files, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  close(ends[1]);
  if (error != 0) {
    process_ = -1;
    close(socket_);
    throw refused(error);
  }
  if (options.cpu_seconds > 0) {
    const auto seconds = static_cast<rlim_t>(options.cpu_seconds);
    const rlimit limit{seconds, seconds};
    prlimit(process_, RLIMIT_CPU, &limit, nullptr);
  }
}

ChildProcess::ChildProcess(const std::function<std::string()>& write) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw DataError("cannot start a process", std::strerror(errno));
  socket_ = ends[0];
  process_ = fork();
  if (process_ < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    throw DataError("cannot start a process", std::strerror(error));
  }
  if (process_ > 0) {
    close(ends[1]);
    return;
  }
  const auto own = static_cast<unsigned>(ends[1]);  // the only file to stay open, as above
  if (own > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, own - 1, 0);
  close_range(own + 1, ~0U, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);
  close(ends[0]);
  const std::string written = write();
  for (std::string_view left = written; !left.empty();) {
    const ssize_t sent = ::send(ends[1], left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) break;
    left.remove_prefix(static_cast<size_t>(std::max<ssize_t>(sent, 0)));
  }
  _exit(0);  // what this process does at its end is its own
}

ChildProcess::~ChildProcess() {
  if (process_ > 0) {
    kill(own_group_ ? -process_ : process_, SIGKILL);  // the group: a script may have started another program
    wait();
  }
  close(socket_);
}

ChildProcess::Outcome ChildProcess::wait_for(short events, std::chrono::milliseconds patience) const {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd wanted{socket_, events, 0};
    const int ready = poll(&wanted, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready > 0) return Outcome::kDone;
    if (ready == 0) return Outcome::kTimeout;
    if (errno != EINTR && errno != EAGAIN) return Outcome::kEnded;
  }
}

ChildProcess::Outcome ChildProcess::send(std::string_view bytes, std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
      bytes.remove_prefix(static_cast<size_t>(sent));
    else if (errno != EINTR && errno != EAGAIN)
      return Outcome::kEnded;
    else if (const Outcome ready = wait_for(POLLOUT, patience); ready != Outcome::kDone)
      return ready;
  }
  return Outcome::kDone;
}

ChildProcess::Outcome ChildProcess::receive(char& byte, std::chrono::milliseconds patience) {
  for (;;) {
    const ssize_t got = recv(socket_, &byte, 1, MSG_DONTWAIT);
    if (got == 1) return Outcome::kDone;
    if (got == 0 || (errno != EINTR && errno != EAGAIN)) return Outcome::kEnded;
    if (const Outcome ready = wait_for(POLLIN, patience); ready != Outcome::kDone) return ready;
  }
}

std::string ChildProcess::receive_all() {
  std::string all;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return all;
    all.append(buffer.data(), static_cast<size_t>(got));
  }
}

int ChildProcess::wait() {
  if (process_ <= 0) return 0;
  int status = 0;
  pid_t ended;
  do ended = waitpid(process_, &status, 0);
  while (ended < 0 && errno == EINTR);
  process_ = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::string done_by_a_copy(const char* what, const std::function<std::string()>& work, Progress& progress) {
  constexpr char kDone = '+', kFailed = '-';
  ChildProcess copy([&]() -> std::string {
    try {
      return kDone + work();
    } catch (const std::exception& error) {
      return kFailed + std::string(error.what());
    }
  });
  char first = 0;
  ChildProcess::Outcome heard;
  while ((heard = copy.receive(first, std::chrono::milliseconds(100))) == ChildProcess::Outcome::kTimeout)
    progress.update(what, 0, 0);
  std::string rest = heard == ChildProcess::Outcome::kDone ? copy.receive_all() : "";
  const int status = copy.wait();
  if (heard == ChildProcess::Outcome::kEnded || status != 0)
    throw DataError(std::string(what) + " ended early", "signal " + std::to_string(-status), "",
                    "is there enough memory?");
  if (first == kFailed) throw DataError(rest);
  return rest;
}

}  // namespace tvae
