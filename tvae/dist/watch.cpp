#include "tvae/dist/watch.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"

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

/// Where process ids mean the same: this boot of the machine, and this container.
std::string machine() {
  std::error_code error;
  std::string boot;
  try {
    boot = read_file("/proc/sys/kernel/random/boot_id");
  } catch (const Error&) {
    return "";
  }
  return boot + std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
}

/// Of this machine. One that has ended stays for a while, until its parent has asked how.
bool lives(const std::string& id) {
  try {
    const std::string stat = read_file("/proc/" + id + "/stat");  // "id (name) state ..."
    const size_t name_end = stat.rfind(')');
    return name_end == std::string::npos || stat.find_first_of("ZX", name_end) != name_end + 2;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

ProcessWatch::ProcessWatch(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                           std::function<void(const std::string&)> on_failure)
    : store_(std::move(store)), rank_(rank), size_(size), on_failure_(std::move(on_failure)) {
  write(*store_, key("process", rank_), std::to_string(::getpid()) + " " + machine());
  thread_ = std::thread([this] { watch(); });
}

ProcessWatch::~ProcessWatch() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ending_.notify_one();
  thread_.join();
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

bool ProcessWatch::announce_failure(const std::string& line) {
  try {
    const std::vector<uint8_t> nothing, text(line.begin(), line.end());
    return store_->compareSet(kFailure, nothing, text) == text;
  } catch (const std::exception&) {
    return true;  // nobody can be told
  }
}

void ProcessWatch::watch() {
  const int next = (rank_ + 1) % size_;
  const std::string name = "process " + std::to_string(next) + " of " + std::to_string(size_);
  std::string of_next;  // its id and machine
  int64_t beats = -1;
  auto heard = Clock::now();
  const auto end = [&](const std::string& line) {
    say_that_it_ends();
    if (rank_ == 0) std::this_thread::sleep_for(2 * kPace);  // it may keep the store, in which the others read why
    on_failure_(line);
  };
  const auto lost = [&](const std::string& what) { end(announce_failure(what) ? what : ""); };
  try {
    for (bool goes_on = true; goes_on;) {
      store_->add(key("beat", rank_), 1);
      if (store_->check({kFailure})) return end("");  // somebody has said it
      if (!store_->check({key(kEnded, next)})) {
        const int64_t now = store_->add(key("beat", next), 0);
        if (now != beats || now == 0) heard = Clock::now();  // 0: it has yet to come
        beats = now;
        if (of_next.empty() && store_->check({key("process", next)})) of_next = read(*store_, key("process", next));
        const size_t space = of_next.find(' ');
        if (space != std::string::npos && of_next.substr(space + 1) == machine() && !lives(of_next.substr(0, space)) &&
            !store_->check({key(kEnded, next)}))
          return lost(name + " has ended");
        if (Clock::now() - heard > std::chrono::seconds(kSilenceSeconds))
          return lost(name + " has not been heard of for " + std::to_string(kSilenceSeconds) + " s");
      }
      std::unique_lock lock(mutex_);
      goes_on = !ending_.wait_for(lock, kPace, [this] { return ends_; });
    }
    say_that_it_ends();
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    if (!ends_) on_failure_("process 0 of " + std::to_string(size_) + " has ended, or cannot be reached");
  }
}

}  // namespace tvae
