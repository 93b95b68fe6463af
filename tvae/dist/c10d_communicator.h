// Several processes over PyTorch's own distributed engine (c10d): Gloo for what is on the CPU, NCCL for what is on
// GPUs.
#pragma once

#include <functional>
#include <memory>

#include "tvae/dist/communicator.h"
#include "tvae/dist/launch.h"

namespace tvae {

/// Meets the other processes of a launch.
/// Throws ConfigError for an address where they cannot meet, LostProcess where not all come, and what says that this
/// program was built without c10d.
std::unique_ptr<Communicator> join_processes(const Launch& launch, const OnLostProcess& on_failure);

}  // namespace tvae
