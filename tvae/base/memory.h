// How much memory there is to be had, and how much was taken.
#pragma once

#include <cstdint>

namespace tvae {

/// Bytes that this process could still take: what the machine has available, what its control group (a container)
/// allows and what `ulimit -v` leaves, whichever is least. The largest number where nothing says.
uint64_t available_memory();

/// The most bytes that this process ever had in memory (VmHWM); 0 where the system does not say.
uint64_t peak_resident_memory();

}  // namespace tvae
