// How much memory there is to be had, and how much was taken.
#pragma once

#include <cstdint>

namespace tvae {

/// Bytes that this process could still take: what the machine has available, what its control group (a container)
/// allows and what `ulimit -v` leaves, whichever is least. The largest number where nothing says.
uint64_t available_memory();

/// The most bytes that this process ever had in memory (VmHWM); 0 where the system does not say.
uint64_t peak_resident_memory();

/// Lets the C library keep what is freed, up to a gigabyte, for what is allocated next: tensors come and go by the
/// thousand, and each page that went back to the system costs a fault. Blocks of 32 MB and more still go back at once.
/// For the start of a program.
void keep_freed_memory();

}  // namespace tvae
