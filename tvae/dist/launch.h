// How a process learns that it is one of several: the variables that torchrun sets, and that Slurm's are easily made
// to.
#pragma once

#include <optional>
#include <string>

namespace tvae {

struct Launch {
  int rank = 0, world_size = 1;
  int local_rank = 0, local_world_size = 1;  // among the processes of this machine
  std::string master_address;
  int master_port = 0;
  int restarts = 0;        // restarts_of_environment()
  bool has_store = false;  // torchrun's own agent keeps the store
};

/// How often torchrun has started the processes again: TORCHELASTIC_RESTART_COUNT.
int restarts_of_environment();

/// From RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT; nullopt where WORLD_SIZE is not
/// set, or 1. Throws ConfigError where one of them is missing or makes no sense.
std::optional<Launch> launch_of_environment();

/// Whether a file was written since the parent of this process (torchrun, which starts processes again) has been there.
bool written_since_parent_started(const std::string& path);

}  // namespace tvae
