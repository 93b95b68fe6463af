#include "tvae/base/threads.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace tvae {
namespace {

std::atomic<size_t> limit = 0;

}  // namespace

size_t max_threads() {
  return limit > 0 ? limit.load() : std::max<size_t>(1, std::thread::hardware_concurrency());
}

void set_max_threads(size_t count) {
  limit = count;
}

}  // namespace tvae
