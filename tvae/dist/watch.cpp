#include "tvae/dist/watch.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace tvae {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPace{500}, kFarewell{5000};
constexpr char kFailure[] = "failure", kEnded[] = "ended";

std::string key(const char* what, int rank) {
  return std::string(what) + "/" + std::to_string(rank);
}

std::string read(c10d::Store& store, const std::string& name) {
  const std::vector<uint8_t> bytes = store.get(name);
  return {bytes.begin(), bytes.end()};
}

void write(c10d::Store& store, const std::string& name, const std::string& text) {
  store.set(name, std::vector<uint8_t>(text.begin(), text.end()));
}

/// Where process ids mean the same: this boot of the machine, and this container. Empty where that cannot be told.
std::string machine() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::error_code error;
  const std::string container = std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  return file >> boot && !error ? boot + container : "";
}

/// Of this machine. One that has ended stays for a while, until its parent has asked how.
bool lives(const std::string& id) {
  if (::access(("/proc/" + id).c_str(), F_OK) != 0) return errno != ENOENT;
  std::ifstream file("/proc/" + id + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return true;  // there are no descriptors left
  const size_t name_end = stat.rfind(')');     // "id (name) state ..."
  return name_end == std::string::npos || stat.find_first_of("ZX", name_end) != name_end + 2;
}

std::string lost_first(int processes) {
  return "process 0 of " + std::to_string(processes) + " has ended, or cannot be reached";
}

}  // namespace

ProcessWatch::ProcessWatch(c10::intrusive_ptr<c10d::Store> store, int rank, int size, OnLostProcess on_failure)
    : store_(std::move(store)), rank_(rank), size_(size), on_failure_(std::move(on_failure)) {
  write(*store_, key("process", rank_), std::to_string(::getpid()) + " " + machine());
  next_.heard = next_.looked = turned_ = Clock::now();
  thread_ = std::thread([this] { watch(); });
  second_thread_ = std::thread([this] { watch_the_watch(); });
}

ProcessWatch::~ProcessWatch() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ending_.notify_all();
  thread_.join();
  second_thread_.join();
  try {
    const auto start = Clock::now();
    for (int other = 1; rank_ == 0 && other < size_; ++other)
      while (!store_->check({key(kEnded, other)}) && Clock::now() - start < kFarewell)
        std::this_thread::sleep_for(kPace / 10);
  } catch (const std::exception&) {  // the store is gone
  }
}

void ProcessWatch::say_that_it_ends() {
  try {
    write(*store_, key(kEnded, rank_), "");
  } catch (const std::exception&) {  // the store is gone, and so are those who would read it
  }
}

bool ProcessWatch::announce_failure(ExitCode status, const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    has_failed_ = true;  // it ends in its own way
  }
  try {
    // With its rank: several may have the same to say.
    const std::string told = std::to_string(static_cast<int>(status)) + " " + std::to_string(rank_) + " " + line;
    const std::vector<uint8_t> nothing, text(told.begin(), told.end());
    return store_->compareSet(kFailure, nothing, text) == text;
  } catch (const std::exception&) {
    return true;  // nobody can be told
  }
}

bool ProcessWatch::next_is_there() {
  const int next = (rank_ + 1) % size_;
  if (store_->check({key(kEnded, next)})) return true;
  const auto now = Clock::now();
  const int64_t beats = store_->add(key("beat", next), 0);
  // 0: it has yet to come. And where this process was itself stopped for a while, the other could not be heard.
  if (beats != next_.beats || beats == 0 || now - next_.looked > 5 * kPace) next_.heard = now;
  next_.beats = beats;
  next_.looked = now;
  if (next_.id.empty() && store_->check({key("process", next)})) {
    std::istringstream told(read(*store_, key("process", next)));
    told >> next_.id >> next_.machine;
  }
  const bool can_be_looked_at = !next_.machine.empty() && next_.machine == machine();
  if (can_be_looked_at && !lives(next_.id)) return store_->check({key(kEnded, next)});
  return now - next_.heard < std::chrono::seconds(kSilenceSeconds);
}

void ProcessWatch::watch() {
  keep_watching();
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  ending_.notify_all();
}

void ProcessWatch::watch_the_watch() {
  auto looked = Clock::now();
  for (;;) {
    std::unique_lock lock(mutex_);
    if (ending_.wait_for(lock, kPace, [this] { return has_ended_; })) return;
    const auto now = Clock::now();
    if (now - looked > 5 * kPace) turned_ = now;  // this process was itself stopped for a while
    looked = now;
    if (now - turned_ < std::chrono::seconds(kSilenceSeconds)) continue;
    lock.unlock();
    return on_failure_(ExitCode::kData, lost_first(size_));
  }
}

void ProcessWatch::keep_watching() {
  const std::string name = "process " + std::to_string((rank_ + 1) % size_) + " of " + std::to_string(size_);
  const auto end = [&](ExitCode status, const std::string& line) {
    say_that_it_ends();
    if (rank_ == 0) std::this_thread::sleep_for(2 * kPace);  // it may keep the store, in which the others read why
    on_failure_(status, line);
  };
  try {
    for (bool goes_on = true; goes_on;) {
      {
        const std::lock_guard lock(mutex_);
        turned_ = Clock::now();
      }
      store_->add(key("beat", rank_), 1);
      const bool told = store_->check({kFailure});
      std::unique_lock lock(mutex_);
      if (!has_failed_ && told) {
        lock.unlock();
        return end(static_cast<ExitCode>(std::stoi(read(*store_, kFailure))), "");  // and somebody has said it
      }
      if (!has_failed_) {
        lock.unlock();
        if (!next_is_there()) {
          const std::string line = name + " has ended, or cannot be reached";
          return end(ExitCode::kData, announce_failure(ExitCode::kData, line) ? line : "");
        }
        lock.lock();
      }
      goes_on = !ending_.wait_for(lock, kPace, [this] { return ends_; });
    }
    say_that_it_ends();
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    if (!ends_ && !has_failed_) on_failure_(ExitCode::kData, lost_first(size_));
  }
}

}  // namespace tvae
