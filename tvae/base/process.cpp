#include "tvae/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

}  // namespace tvae
