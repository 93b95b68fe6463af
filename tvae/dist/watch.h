// Keeps an eye on the other processes of a run, so that none waits for one that has gone.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace c10d {
class Store;
}

namespace tvae {

/// A thread that says in the store that this process lives, looks whether the next one does, and reads whether one has
/// failed: a process that is killed is noticed within seconds on its own machine, one that hangs or is cut off from the
/// network within kSilence.
class ProcessWatch {
 public:
  static constexpr int kSilenceSeconds = 20;

  /// `store`: a connection of its own. `on_failure` is called in that thread, once, with a line that says what has
  /// happened; the process may be waiting for the lost one in another thread, so that it can but end.
  ProcessWatch(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
               std::function<void(const std::string&)> on_failure);
  /// The others do not miss this process any more. The first one, which may keep the store, waits for them for a while.
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  /// Tells the others why this process ends. Whether it is the first to say so: the one whose line people should see.
  bool announce_failure(const std::string& line);

 private:
  void watch();
  void say_that_it_ends();

  c10::intrusive_ptr<c10d::Store> store_;
  int rank_, size_;
  std::function<void(const std::string&)> on_failure_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace tvae
