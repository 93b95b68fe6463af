// Several processes over PyTorch's own distributed engine (c10d): Gloo between CPUs, NCCL between GPUs.
#pragma once

#include <functional>
#include <memory>

#include "tvae/dist/communicator.h"
#include "tvae/dist/launch.h"

namespace tvae {

/// Meets the other processes of a launch. `on_failure` is called in another thread where one of them is lost while this
/// one waits, with the line to print, or with nothing where another process prints it (watch.h).
/// Throws ConfigError for an address where they cannot meet, LostProcess where not all come, and what says that this
/// program was built without c10d.
std::unique_ptr<Communicator> join_processes(const Launch& launch,
                                             const std::function<void(const std::string&)>& on_failure);

}  // namespace tvae
