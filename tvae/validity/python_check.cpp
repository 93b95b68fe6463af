#include "tvae/validity/python_check.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/threads.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

constexpr size_t kBatchTexts = 256;
constexpr int kAnswerSeconds = 20;  // for one text, and for the start of python3

/// What the workers of a check run: says "r" when ready, then reads JSON lists of texts, one a line, and answers each
/// text at once with "1" or "0".
struct Judge {
  const char* script;
  const char* description;
  bool needs_packages;  // of site-packages, beside the standard library
};

constexpr Judge kPythonParser{R"python(
import ast, json, os, sys, warnings
warnings.simplefilter("ignore")
os.write(1, b"r")
for line in sys.stdin.buffer:
    for text in json.loads(line):
        try:
            answer = b"1" if ast.parse(text) and text.strip() else b"0"
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            answer = b"0"
        os.write(1, answer)
)python",
                              "python3 ast.parse", false};

constexpr Judge kRdkit{R"python(
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import json, os
from rdkit import Chem, RDLogger
RDLogger.DisableLog("rdApp.*")
os.write(1, b"r")
for line in sys.stdin.buffer:
    for text in json.loads(line):
        # RDKit takes what follows a blank for a name, and passes over an end that is not ASCII.
        one_word = text.isascii() and text.isprintable() and " " not in text
        os.write(1, b"1" if one_word and text and Chem.MolFromSmiles(text) is not None else b"0")
)python",
                       "RDKit MolFromSmiles", true};

std::optional<std::string> find_on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path ? path : "/usr/bin:/bin", ':')) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

/// One python3 process at the other end of a socket. A socket rather than pipes: writing to a dead worker is an error
/// here and not a SIGPIPE.
class Worker {
 public:
  Worker(const std::string& python, const Judge& judge) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    socket_ = ends[0];
    const timeval patience{kAnswerSeconds, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // Ctrl-C is for us, not for the workers
    std::vector<const char*> arguments = {python.c_str(), "-I", "-S", "-c", judge.script, nullptr};
    if (judge.needs_packages) arguments = {python.c_str(), "-E", "-c", judge.script, nullptr};  // the user's too
    if (posix_spawn(&process_, python.c_str(), &files, &attributes, const_cast<char**>(arguments.data()), environ) != 0)
      process_ = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    ready_ = process_ > 0 && receive() == 'r';
  }
  ~Worker() {
    if (process_ > 0) {
      kill(-process_, SIGKILL);  // its group: python3 may be a script that starts another
      waitpid(process_, nullptr, 0);
    }
    if (socket_ >= 0) close(socket_);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool ready() const { return ready_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  /// One byte; '\0' where the worker died or takes too long.
  char receive() {
    char answer = '\0';
    ssize_t got;
    do got = recv(socket_, &answer, 1, 0);
    while (got < 0 && errno == EINTR);
    return got == 1 ? answer : '\0';
  }

 private:
  int socket_ = -1;
  pid_t process_ = -1;
  bool ready_ = false;
};

class PythonCheck : public ValidityCheck {
 public:
  PythonCheck(std::string python, const Judge& judge, std::unique_ptr<Worker> first)
      : python_(std::move(python)), judge_(judge) {
    workers_.resize(std::clamp<size_t>(max_threads(), 1, 4));
    workers_[0] = std::move(first);
  }

  std::string describe() const override { return judge_.description; }

  std::vector<bool> valid(const std::vector<std::string>& texts) override {
    std::vector<char> answers(texts.size(), 0);  // not vector<bool>: threads write neighbours
    const size_t batches = (texts.size() + kBatchTexts - 1) / kBatchTexts;
    std::atomic<size_t> next{0};
    std::vector<std::exception_ptr> failures(workers_.size());
    const auto run = [&](size_t worker) {
      try {
        for (size_t batch = next++; batch < batches; batch = next++)
          answer_batch(workers_[worker], texts, batch * kBatchTexts, std::min(texts.size(), (batch + 1) * kBatchTexts),
                       answers);
      } catch (...) {
        failures[worker] = std::current_exception();
      }
    };
    std::vector<std::thread> threads;
    for (size_t i = 1; i < std::min(workers_.size(), batches); ++i) threads.emplace_back(run, i);
    run(0);
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& failure : failures)
      if (failure) std::rethrow_exception(failure);
    return {answers.begin(), answers.end()};
  }

 private:
  /// Answers for texts [begin, end).
  void answer_batch(std::unique_ptr<Worker>& worker, const std::vector<std::string>& texts, size_t begin, size_t end,
                    std::vector<char>& answers) const {
    std::vector<size_t> asked;  // bytes that are no UTF-8 are no Python
    for (size_t i = begin; i < end; ++i)
      if (is_valid_utf8(texts[i])) asked.push_back(i);
    for (size_t done = 0; done < asked.size();) {
      nlohmann::json batch = nlohmann::json::array();
      for (size_t i = done; i < asked.size(); ++i) batch.push_back(texts[asked[i]]);
      const std::string request = batch.dump() + "\n";
      if (!worker || !worker->send(request)) {  // none yet, or it died while idle
        worker = std::make_unique<Worker>(python_, judge_);
        if (!worker->ready() || !worker->send(request)) throw DataError("python3 stopped answering", python_);
      }
      char answer = '1';
      while (answer && done < asked.size()) {
        answer = worker->receive();
        answers[asked[done++]] = answer == '1';  // also where this text has killed the worker
      }
      if (!answer) worker.reset();
    }
  }

  std::string python_;
  Judge judge_;
  std::vector<std::unique_ptr<Worker>> workers_;  // null = not started yet, or crashed
};

}  // namespace

std::unique_ptr<ValidityCheck> make_python_check() {
  const std::optional<std::string> python = find_on_path("python3");
  if (!python) {
    log_warning("no python3 on PATH: the python validity check is left out");
    return nullptr;
  }
  auto worker = std::make_unique<Worker>(*python, kPythonParser);
  if (!worker->ready()) {
    log_warning(*python + " does not start: the python validity check is left out");
    return nullptr;
  }
  return std::make_unique<PythonCheck>(*python, kPythonParser, std::move(worker));
}

std::unique_ptr<ValidityCheck> make_rdkit_check() {
  const std::optional<std::string> python = find_on_path("python3");
  if (!python) return nullptr;
  auto worker = std::make_unique<Worker>(*python, kRdkit);
  if (!worker->ready()) return nullptr;
  return std::make_unique<PythonCheck>(*python, kRdkit, std::move(worker));
}

namespace {

const Register<ValidityCheckFactory> registered(validity_checks(), {"python", "Python that parses", make_python_check});

}  // namespace

}  // namespace tvae
