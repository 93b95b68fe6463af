// What libtorch does where memory runs out.
#pragma once

#include <exception>

namespace tvae {

/// A tensor for whose memory there is no room ends the process in a program in C++, unless this was called: then it is
/// an exception, as in Python.
void throw_where_memory_runs_out();

/// Whether an exception says that memory ran out, on the CPU or on a CUDA device.
bool is_out_of_memory(const std::exception& error);

}  // namespace tvae
