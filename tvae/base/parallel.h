// Work that several threads share.
#pragma once

#include <cstddef>
#include <functional>

namespace tvae {

/// Calls work(0) … work(count - 1), each once, from up to `most_threads` threads (0 = max_threads()), the calling one
/// among them. Where the system gives no more threads, those that there are do the work. After an exception no further
/// work is begun, and the first is thrown again.
void parallel_for(size_t count, const std::function<void(size_t)>& work, size_t most_threads = 0);

}  // namespace tvae
