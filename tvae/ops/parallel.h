// Loops over threads for the CPU kernels, which include no header of libtorch.
#pragma once

#include <cstdint>
#include <functional>

namespace tvae {

/// at::parallel_for: body(first, last) for parts of [begin, end) of at least `grain` each, on several threads.
void parallel_for(int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

/// at::parallel_reduce to a sum: body(first, last) is that of a part.
double parallel_sum(int64_t begin, int64_t end, int64_t grain, const std::function<double(int64_t, int64_t)>& body);

}  // namespace tvae
