#include "apps/several_processes.h"

#include <ATen/Parallel.h>
#include <c10/util/Logging.h>
#include <torch/cuda.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/threads.h"
#include "tvae/dist/c10d_communicator.h"
#include "tvae/run/model_directory.h"

namespace tvae::apps {
namespace {

void share_processor(const Launch& launch) {
  const int share = static_cast<int>(std::thread::hardware_concurrency()) / launch.local_world_size;
  at::set_num_threads(std::max(1, share));
  set_max_threads(static_cast<size_t>(std::max(1, share)));
}

[[noreturn]] void end_at_once(ExitCode status, const std::string& line) {
  if (!line.empty())
    std::fprintf(stderr, "tvae: %s; where there is a checkpoint, --resume goes on from it\n", line.c_str());
  std::fflush(nullptr);
  std::_Exit(static_cast<int>(status));
}

/// An error whose line another process prints.
Error told_elsewhere(ExitCode code) {
  return Error(code, "");
}

void say_nothing(LogLevel, bool, const std::string&) {}

}  // namespace

void with_other_processes(const CommonOptions& common, const std::function<void(Communicator&, bool restarted)>& work) {
  const auto launch = launch_of_environment();
  const bool restarted = restarts_of_environment() > 0;
  if (!launch) return work(lone_process(), restarted);
  if (common.threads == 0) share_processor(*launch);
  const bool is_first = launch->rank == 0;
  if (!is_first) set_log_handler(say_nothing);
  const std::string name = "process " + std::to_string(launch->rank) + " of " + std::to_string(launch->world_size);
  // What libtorch warns of, with a trace of its own functions, ends as one line of ours.
  ::setenv("TORCH_CPP_LOG_LEVEL", "ERROR", /*overwrite=*/0);
  c10::initLogging();
  const auto communicator = join_processes(*launch, end_at_once);
  try {
    work(*communicator, restarted);
  } catch (const Interrupted& error) {  // in training all of them are, before it the first alone
    if (!is_first) throw told_elsewhere(error.exit_code());
    communicator->announce_failure(error.exit_code(), error.what());
    throw;
  } catch (const Error& error) {
    const bool names_it = std::string(error.what()).starts_with("process ");
    const std::string line = is_first || names_it ? error.what() : name + ": " + error.what();
    if (!communicator->announce_failure(error.exit_code(), line)) throw told_elsewhere(error.exit_code());
    if (is_first) throw;
    throw Error(error.exit_code(), line);
  } catch (const std::exception& error) {
    communicator->announce_failure(ExitCode::kBug, name + ": " + error.what());
    throw;
  }
}

torch::Device device_of_process(const CommonOptions& common) {
  const torch::Device device = parse_device(common.device);
  const auto launch = launch_of_environment();
  // Where each process is shown a GPU of its own alone, as Slurm does with --gpus-per-task=1, that is the one.
  if (!launch || launch->local_world_size == 1 || device.is_cpu() || torch::cuda::device_count() == 1) return device;
  if (common.device.starts_with("cuda:"))
    throw ConfigError("--device", common.device + " for " + std::to_string(launch->local_world_size) + " processes",
                      "cuda: a GPU for each, the one that has its LOCAL_RANK");
  return parse_device("cuda:" + std::to_string(launch->local_rank));
}

}  // namespace tvae::apps
