#include "tvae/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

#include "tvae/base/log.h"
#include "tvae/base/threads.h"

namespace tvae {

void parallel_for(size_t count, const std::function<void(size_t)>& work, size_t most_threads) {
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr failure;
  std::atomic_flag failed;
  const auto run = [&] {
    try {
      for (size_t i = next++; i < count && !stop; i = next++) work(i);
    } catch (...) {
      stop = true;
      if (!failed.test_and_set()) failure = std::current_exception();
    }
  };
  const size_t wanted = std::min(count, most_threads > 0 ? most_threads : max_threads());
  std::vector<std::thread> threads;
  threads.reserve(wanted);
  try {
    while (threads.size() + 1 < wanted) threads.emplace_back(run);
  } catch (const std::system_error& error) {
    log_verbose(std::string("going on with ") + std::to_string(threads.size() + 1) + " threads: " + error.what());
  }
  run();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tvae
