// A thread that computes alone, in a process whose others compute with several.
#pragma once

namespace tvae {

/// From here on libtorch computes what this thread asks for with this thread alone. at::set_num_threads(1) would also
/// be what every thread takes that computes for the first time afterwards. One that does so just while this is called may
/// still take it.
void use_one_thread_here();

}  // namespace tvae
