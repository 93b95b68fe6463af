// A verb that several processes run together, as torchrun starts them.
#pragma once

#include <functional>

#include "apps/verb.h"
#include "tvae/dist/communicator.h"
#include "tvae/ops/torch.h"

namespace tvae::apps {

/// Calls `work` with the processes of this launch (tvae/dist/launch.h); with this one alone where it is one. Processes
/// of one machine share its processor. Only the first says how things go, and of what ends them all one says it.
/// `restarted`: torchrun has started them again after the loss of one.
void with_other_processes(const CommonOptions& common, const std::function<void(Communicator&, bool restarted)>& work);

/// What computes for this process: --device; of a machine's GPUs, where its processes share them, the one that has the
/// number of the process there (LOCAL_RANK). Throws ConfigError.
torch::Device device_of_process(const CommonOptions& common);

}  // namespace tvae::apps
