#include "tvae/ops/one_thread.h"

#include <ATen/Parallel.h>

#include <mutex>
#include <thread>

namespace tvae {

void use_one_thread_here() {
  // One after the other: what a second thread began with in between would be 1.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const int others = at::get_num_threads();
  if (others == 1) return;
  at::set_num_threads(1);  // of this thread, and what new ones begin with
  // Said by a thread of its own, it is what new ones begin with again, and nothing for this one.
  std::thread([others] { at::set_num_threads(others); }).join();
}

}  // namespace tvae
