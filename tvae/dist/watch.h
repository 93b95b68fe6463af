// Keeps an eye on the other processes of a run, so that none waits for one that has gone.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "tvae/dist/communicator.h"

namespace c10d {
class Store;
}

namespace tvae {

/// A thread that says in the store that this process lives, looks whether the next one does, and reads whether one has
/// failed: a process that is killed is noticed within a second on its own machine, one that is stopped, or that another
/// machine has lost, within kSilenceSeconds. That a process lives is no proof that it gets on.
class ProcessWatch {
 public:
  static constexpr int kSilenceSeconds = 20;

  /// `store`: a connection of its own.
  ProcessWatch(c10::intrusive_ptr<c10d::Store> store, int rank, int size, OnLostProcess on_failure);
  /// The others do not miss this process any more. The first one, which may keep the store, waits for them for a while.
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  /// Communicator::announce_failure.
  bool announce_failure(ExitCode status, const std::string& line);

 private:
  void watch();
  void keep_watching();
  /// In a thread of its own: whether the watch gets on, since the store waits for ever for an answer where the network
  /// is cut.
  void watch_the_watch();
  /// Whether the next process is there. Throws where the store is gone.
  bool next_is_there();
  void say_that_it_ends();

  c10::intrusive_ptr<c10d::Store> store_;
  int rank_, size_;
  OnLostProcess on_failure_;
  struct {
    std::string id, machine;
    int64_t beats = -1;
    std::chrono::steady_clock::time_point heard, looked;
  } next_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ends_ = false, has_failed_ = false, has_ended_ = false;
  std::chrono::steady_clock::time_point turned_;  // when the watch last began to look
  std::thread thread_, second_thread_;
};

}  // namespace tvae
