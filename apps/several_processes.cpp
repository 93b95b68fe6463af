#include "apps/several_processes.h"

#include <ATen/Parallel.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/threads.h"
#include "tvae/dist/c10d_communicator.h"

namespace tvae::apps {
namespace {

void share_processor(const Launch& launch) {
  const int share = static_cast<int>(std::thread::hardware_concurrency()) / launch.local_world_size;
  at::set_num_threads(std::max(1, share));
  set_max_threads(static_cast<size_t>(std::max(1, share)));
}

/// Another process is lost, for which this one may be waiting in another thread.
[[noreturn]] void end_at_once(const std::string& line) {
  if (!line.empty()) std::fprintf(stderr, "tvae: %s; --resume goes on from the last checkpoint\n", line.c_str());
  std::fflush(nullptr);
  std::_Exit(static_cast<int>(ExitCode::kData));
}

/// An error whose line another process prints.
Error told_elsewhere(ExitCode code) {
  return Error(code, "");
}

}  // namespace

void with_other_processes(const CommonOptions& common, const std::function<void(Communicator&, bool restarted)>& work) {
  const auto launch = launch_of_environment();
  if (!launch) return work(lone_process(), false);
  if (common.threads == 0) share_processor(*launch);
  if (launch->rank > 0) set_log_level(LogLevel::kQuiet);
  const std::string name = "process " + std::to_string(launch->rank) + " of " + std::to_string(launch->world_size);
  // What libtorch warns of, with a trace of its own functions, ends as one line of ours.
  ::setenv("TORCH_CPP_LOG_LEVEL", "ERROR", /*overwrite=*/0);
  c10::initLogging();
  const auto communicator = join_processes(*launch, end_at_once);
  try {
    work(*communicator, launch->restarts > 0);
  } catch (const Interrupted&) {  // all of them are
    if (communicator->is_first()) throw;
    throw told_elsewhere(ExitCode::kInterrupted);
  } catch (const Error& error) {
    const std::string line = communicator->is_first() ? error.what() : name + ": " + error.what();
    if (!communicator->announce_failure(line)) throw told_elsewhere(error.exit_code());
    if (communicator->is_first()) throw;
    throw Error(error.exit_code(), line);
  }
}

}  // namespace tvae::apps
