#include "tvae/ops/one_thread.h"

#include <ATen/Parallel.h>

#include <thread>

namespace tvae {

void use_one_thread_here() {
  const int others = at::get_num_threads();
  if (others == 1) return;
  at::set_num_threads(1);  // of this thread, and what new ones begin with
  // Said by a thread of its own, it is what new ones begin with again, and nothing for this one.
  std::thread([others] { at::set_num_threads(others); }).join();
}

}  // namespace tvae
