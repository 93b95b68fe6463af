// How many threads our own pools start (libtorch has its own count: at::set_num_threads, ops/one_thread.h).
#pragma once

#include <cstddef>

namespace tvae {

/// Threads a pool may use: what --threads says, else one a processor core. At least 1.
size_t max_threads();

/// Sets the limit; 0 = one a processor core. Call before any pool is made.
void set_max_threads(size_t count);

}  // namespace tvae
