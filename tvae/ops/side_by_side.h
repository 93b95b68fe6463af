// Work in parts that need nothing of one another: each thread computes parts of its own, and none helps another.
#pragma once

#include <cstdint>
#include <functional>

#include "tvae/base/progress.h"

namespace tvae {

/// Rows of a product (codes that are decoded together) that are worth a part; fewer are better off with every thread.
inline constexpr int64_t kRowsOfAPart = 16;

/// How many parts side_by_side() computes at the same time: libtorch's threads, 1 within one of its parallel loops.
int64_t parts_at_once();

/// body(part, progress) for the parts 0 to parts - 1 (at most parts_at_once()), without gradients: small products by
/// one thread each cost less than those that all threads share and wait for. Part 0 is the calling thread's and has
/// `progress`, which goes on being told what it was told last until the other parts are done. Where that throws, or a
/// part does, the others stop at their next update(), and the first exception leaves.
void side_by_side(int64_t parts, Progress& progress, const std::function<void(int64_t, Progress&)>& body);

}  // namespace tvae
