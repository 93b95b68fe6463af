// How much memory there is to be had.
#pragma once

#include <cstdint>

namespace tvae {

/// Bytes that this process could still take: what the machine has available, what its control group (a container)
/// allows and what `ulimit -v` leaves, whichever is least. The largest number where nothing says.
uint64_t available_memory();

}  // namespace tvae
