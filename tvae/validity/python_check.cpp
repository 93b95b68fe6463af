#include "tvae/validity/python_check.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <shared_mutex>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/parallel.h"
#include "tvae/base/process.h"
#include "tvae/base/strings.h"
#include "tvae/base/threads.h"
#include "tvae/base/utf8.h"

namespace tvae {
namespace {

constexpr size_t kBatchTexts = 256;
constexpr size_t kMostWorkers = 4;
constexpr int kTriesAlone = 2;
constexpr std::chrono::seconds kStart{120};

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

/// One python3 process that answers.
class Worker {
 public:
  /// Starts it; ready() where it answers, and not where it ended instead. Throws DataError where the system cannot
  /// start it, or where it takes too long.
  Worker(const std::string& python, const Judge& judge, int64_t cpu_seconds = 0)
      : process_(python, arguments(python, judge), {.own_group = true, .cpu_seconds = cpu_seconds}) {
    char said = '\0';
    const Outcome outcome = process_.receive(said, kStart);
    if (outcome == Outcome::kTimeout)
      throw DataError(python + " does not answer", "nothing in " + std::to_string(kStart.count()) + " seconds", "",
                      "is the machine too busy?");
    ready_ = outcome == Outcome::kDone && said == 'r';
  }

  bool ready() const { return ready_; }

  using Outcome = ChildProcess::Outcome;
  /// Hands over texts; an answer to each is to be received in order.
  Outcome ask(const std::vector<const std::string*>& texts, std::chrono::milliseconds patience) {
    nlohmann::json batch = nlohmann::json::array();
    for (const std::string* text : texts) batch.push_back(*text);
    return process_.send(batch.dump() + "\n", patience);
  }
  /// Whether the next text is valid.
  Outcome answer(bool& valid, std::chrono::milliseconds patience) {
    char said = '\0';
    const Outcome outcome = process_.receive(said, patience);
    valid = said == '1';
    return outcome;
  }

 private:
  static std::vector<std::string> arguments(const std::string& python, const Judge& judge) {
    if (judge.needs_packages) return {python, "-E", "-c", judge.script};  // the user's too
    return {python, "-I", "-S", "-c", judge.script};
  }

  ChildProcess process_;
  bool ready_ = false;
};

/// Workers of one judge, which every check of this process shares; several threads may ask at once.
class WorkerPool {
 public:
  WorkerPool(std::string python, const Judge& judge, const JudgePatience& patience, std::unique_ptr<Worker> first)
      : python_(std::move(python)),
        judge_(judge),
        patience_(patience),
        most_(std::clamp<size_t>(max_threads(), 1, kMostWorkers)) {
    idle_.push_back(std::move(first));
  }

  std::string describe() const { return judge_.description; }

  std::vector<bool> valid(const std::vector<std::string>& texts) {
    std::vector<char> answers(texts.size(), 0);  // not vector<bool>: threads write neighbours
    std::vector<size_t> asked;                   // bytes that are no UTF-8 are no Python
    for (size_t i = 0; i < texts.size(); ++i)
      if (is_valid_utf8(texts[i])) asked.push_back(i);
    const size_t batches = (asked.size() + kBatchTexts - 1) / kBatchTexts;
    std::vector<std::vector<size_t>> unanswered(batches);
    parallel_for(
        batches,
        [&](size_t batch) {
          const std::shared_lock together(alone_);
          const size_t begin = batch * kBatchTexts, end = std::min(asked.size(), begin + kBatchTexts);
          unanswered[batch] = ask(
              {asked.begin() + static_cast<int64_t>(begin), asked.begin() + static_cast<int64_t>(end)}, texts, answers);
        },
        most_);
    for (const std::vector<size_t>& some : unanswered)
      for (const size_t i : some) answers[i] = ask_alone(texts[i]);
    return {answers.begin(), answers.end()};
  }

 private:
  using Outcome = Worker::Outcome;

  std::unique_ptr<Worker> start(int64_t cpu_seconds = 0) const {
    auto worker = std::make_unique<Worker>(python_, judge_, cpu_seconds);
    if (!worker->ready()) throw DataError("python3 stopped answering", python_);
    return worker;
  }

  /// A worker that waits, or a new one while there are fewer than the most.
  std::unique_ptr<Worker> acquire() {
    std::unique_lock lock(mutex_);
    for (bool refused = false;;) {
      freed_.wait(lock, [&] { return !idle_.empty() || busy_ == 0 || (busy_ < most_ && !refused); });
      ++busy_;
      if (!idle_.empty()) {
        std::unique_ptr<Worker> worker = std::move(idle_.back());
        idle_.pop_back();
        return worker;
      }
      lock.unlock();
      try {
        return start();
      } catch (const DataError&) {
        lock.lock();
        refused = true;  // those that run go on
        freed_.notify_all();
        if (--busy_ == 0 && idle_.empty()) throw;  // those that ran may have ended meanwhile, with a worker to spare
      }
    }
  }

  /// `worker`: null where it died.
  void release(std::unique_ptr<Worker> worker) {
    const std::lock_guard lock(mutex_);
    --busy_;
    if (worker) idle_.push_back(std::move(worker));
    freed_.notify_all();
  }

  /// Asks about the texts with these indices. Those that got no answer come back.
  std::vector<size_t> ask(const std::vector<size_t>& asked, const std::vector<std::string>& texts,
                          std::vector<char>& answers) {
    struct Lease {
      WorkerPool& pool;
      std::unique_ptr<Worker> worker = pool.acquire();
      ~Lease() { pool.release(std::move(worker)); }
    } lease{*this};
    std::vector<size_t> unanswered;
    for (size_t done = 0; done < asked.size();) {
      std::vector<const std::string*> rest;
      for (size_t i = done; i < asked.size(); ++i) rest.push_back(&texts[asked[i]]);
      if (!lease.worker ||
          lease.worker->ask(rest, patience_.among_others) != Outcome::kDone) {  // it died, here or while idle
        lease.worker.reset();
        lease.worker = start();
        if (lease.worker->ask(rest, patience_.among_others) !=
            Outcome::kDone) {  // even the beginning is too much for it
          lease.worker.reset();
          unanswered.push_back(asked[done++]);
          continue;
        }
      }
      for (bool valid = false; done < asked.size(); ++done) {
        if (lease.worker->answer(valid, patience_.among_others) != Outcome::kDone) {
          lease.worker.reset();
          unanswered.push_back(asked[done++]);
          break;
        }
        answers[asked[done]] = valid;
      }
    }
    return unanswered;
  }

  /// Whether a text is valid that got no answer among others. Nothing else is judged meanwhile.
  bool ask_alone(const std::string& text) {
    const std::unique_lock alone(alone_);
    for (int tries = 0; tries < kTriesAlone; ++tries) {
      const std::unique_ptr<Worker> worker = start(patience_.processor_seconds_alone);
      bool valid = false;
      Outcome outcome = worker->ask({&text}, patience_.alone);
      if (outcome == Outcome::kDone) outcome = worker->answer(valid, patience_.alone);
      if (outcome == Outcome::kDone) return valid;
      if (outcome == Outcome::kTimeout)
        throw DataError(describe() + " gave no answer to a text of " + std::to_string(text.size()) + " bytes",
                        "nothing in " + std::to_string(patience_.alone.count() / 1000) + " seconds", "",
                        "is the machine too busy?");
    }
    return false;  // the text ends its judge, whenever it is asked
  }

  std::string python_;
  Judge judge_;
  JudgePatience patience_;
  std::shared_mutex alone_;  // held by each batch, and by nobody but the one who asks alone
  std::mutex mutex_;         // of what follows
  std::condition_variable freed_;
  const size_t most_;
  size_t busy_ = 0;
  std::vector<std::unique_ptr<Worker>> idle_;
};

/// One pool for each judge of a python3, for the life of this process; nullptr where that python3 does not run it.
std::shared_ptr<WorkerPool> shared_pool(const std::string& python, const Judge& judge, const JudgePatience& patience) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, const char*>, std::shared_ptr<WorkerPool>> pools;
  const std::lock_guard lock(mutex);
  std::shared_ptr<WorkerPool>& pool = pools[{python, judge.script}];
  if (!pool) {
    auto worker = std::make_unique<Worker>(python, judge);
    if (worker->ready()) pool = std::make_shared<WorkerPool>(python, judge, patience, std::move(worker));
  }
  return pool;
}

class PythonCheck : public ValidityCheck {
 public:
  explicit PythonCheck(std::shared_ptr<WorkerPool> pool) : pool_(std::move(pool)) {}
  std::string describe() const override { return pool_->describe(); }
  std::vector<bool> valid(const std::vector<std::string>& texts) override { return pool_->valid(texts); }

 private:
  std::shared_ptr<WorkerPool> pool_;
};

}  // namespace

std::unique_ptr<ValidityCheck> make_python_check(const JudgePatience& patience) {
  const std::optional<std::string> python = find_on_path("python3");
  if (!python) {
    log_warning("no python3 on PATH: the python validity check is left out");
    return nullptr;
  }
  auto pool = shared_pool(*python, kPythonParser, patience);
  if (!pool) {
    log_warning(*python + " does not start: the python validity check is left out");
    return nullptr;
  }
  return std::make_unique<PythonCheck>(std::move(pool));
}

std::unique_ptr<ValidityCheck> make_rdkit_check() {
  const std::optional<std::string> python = find_on_path("python3");
  if (!python) return nullptr;
  auto pool = shared_pool(*python, kRdkit, JudgePatience());
  return pool ? std::make_unique<PythonCheck>(std::move(pool)) : nullptr;
}

namespace {

const Register<TextKind> registered(text_kinds(), {"python",
                                                   "Python that parses",
                                                   {[] { return make_python_check(); }, make_python_syntax}});

}  // namespace

}  // namespace tvae
