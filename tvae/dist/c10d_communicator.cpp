#include "tvae/dist/c10d_communicator.h"

// What is linked is the Gloo inside libtorch, whose header needs some of Gloo's (Debian: libgloo-dev).
#if __has_include(<gloo/context.h>)
#define TVAE_WITH_GLOO
#define USE_C10D_GLOO
#endif

// And the NCCL that a libtorch with CUDA needs, whose header needs NCCL's and CUDA's (cmake/FindTorch.cmake).
#if defined(TVAE_TORCH_HAS_CUDA) && __has_include(<nccl.h>) && __has_include(<cuda_runtime_api.h>) && \
    __has_include(<cublas_v2.h>) && __has_include(<cusparse.h>) && __has_include(<cusolverDn.h>)
#define TVAE_WITH_NCCL
#define USE_C10D_NCCL
#endif

#ifdef TVAE_WITH_GLOO
#include <c10/core/impl/VirtualGuardImpl.h>
#include <netdb.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>
#endif
#ifdef TVAE_WITH_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/dist/watch.h"

namespace tvae {

#ifdef TVAE_WITH_GLOO
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatienceToMeet = std::chrono::minutes(5);
// One process evaluates while the others wait for it: what has gone is noticed by ProcessWatch, not by waiting.
constexpr milliseconds kPatience = std::chrono::hours(24 * 7);
constexpr milliseconds kTimeForWatch = std::chrono::seconds(5);
constexpr milliseconds kPatienceOfWatch = std::chrono::seconds(10);

std::string first_line(const char* text) {
  const std::string line = text;
  return line.substr(0, line.find('\n'));
}

/// Whether it comes from Gloo, NCCL or c10d, which have types for some of their errors only.
bool is_of_transport(const std::exception& error) {
  if (dynamic_cast<const c10::DistError*>(&error) != nullptr) return true;
  const std::string what = error.what();
  return what.find("gloo") != std::string::npos || what.find("NCCL") != std::string::npos;
}

std::string place(const Launch& launch) {
  return launch.master_address + ":" + std::to_string(launch.master_port);
}

c10::intrusive_ptr<c10d::Store> connect(const Launch& launch, bool serves, milliseconds patience) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(launch.master_port);
  options.isServer = serves;
  options.waitWorkers = false;
  options.timeout = patience;
  const auto store = c10::make_intrusive<c10d::TCPStore>(launch.master_address, options);
  // After a restart the keys of the processes before are still there.
  return c10::make_intrusive<c10d::PrefixStore>("tvae " + std::to_string(launch.restarts), store);
}

/// Calls late() in a thread of its own where it is still there after some time: what waits inside libtorch cannot be
/// asked to stop.
class Deadline {
 public:
  Deadline(milliseconds patience, std::function<void()> late)
      : thread_([this, patience, late = std::move(late)] {
          std::unique_lock lock(mutex_);
          if (!ended_.wait_for(lock, patience, [this] { return is_over_; })) late();
        }) {}
  ~Deadline() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  std::thread thread_;
};

/// A name that leads nowhere is known at once, not after libtorch has tried for minutes.
void require_address(const std::string& address) {
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(address.c_str(), nullptr, nullptr, &found);
  if (status != 0)
    throw ConfigError("MASTER_ADDR", "\"" + address + "\" (" + ::gai_strerror(status) + ")",
                      "the name or address of process 0's machine");
  ::freeaddrinfo(found);
}

c10::intrusive_ptr<c10d::Store> meet(const Launch& launch, bool serves, milliseconds patience) {
  try {
    return connect(launch, serves, patience);
  } catch (const std::exception& error) {
    const std::string why = first_line(error.what());
    if (serves && why.find("EADDRINUSE") != std::string::npos)
      throw ConfigError("MASTER_PORT", "port " + std::to_string(launch.master_port) + ", which another program uses",
                        "a free one");
    throw ConfigError("the processes cannot meet at MASTER_ADDR:MASTER_PORT", place(launch) + " (" + why + ")", "",
                      "process 0 must be running there");
  }
}

class C10dCommunicator : public Communicator {
 public:
  C10dCommunicator(const Launch& launch, const OnLostProcess& on_failure)
      : Communicator(launch.rank, launch.world_size),
        meeting_(std::make_unique<Deadline>(
            kPatienceToMeet + kTimeForWatch,
            [launch, on_failure] {
              on_failure(ExitCode::kData, "process " + std::to_string(launch.rank) + " of " +
                                              std::to_string(launch.world_size) +
                                              " has not met the others in five minutes: MASTER_ADDR:MASTER_PORT is " +
                                              place(launch) + ", where process 0 must be running");
            })),
        store_(meet(launch, launch.rank == 0 && !launch.has_store, kPatienceToMeet)),
        watch_(std::make_unique<ProcessWatch>(meet(launch, /*serves=*/false, kPatienceOfWatch), rank(), size(),
                                              on_failure)) {
    try {
      group_ = c10::make_intrusive<c10d::ProcessGroup>(store_, rank(), size());
      const auto options = c10d::ProcessGroupGloo::Options::create(kPatienceToMeet);
      options->devices.push_back(device(launch));
      const auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store_, rank(), size(), options);
      gloo->setTimeout(kPatience);
      group_->setBackend(c10::DeviceType::CPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
      group_->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    } catch (const std::exception& error) {
      const LostProcess lost("the " + std::to_string(size()) +
                             " processes cannot all reach each other: " + first_line(error.what()));
      watch_->announce_failure(lost.exit_code(), lost.what());
      throw lost;
    }
    meeting_.reset();
  }

  ~C10dCommunicator() override {
    if (!on_gpus_) return;
    try {  // after an error others may be gone, whom shutdown() would wait for
      std::uncaught_exceptions() > 0 ? on_gpus_->abort() : on_gpus_->shutdown();
    } catch (const std::exception& error) {
      log_warning("NCCL did not end well: " + first_line(error.what()));
    }
  }

  void use_device(torch::Device device) override {
    if (device.is_cpu() || on_gpus_) return;
    c10::impl::VirtualGuardImpl(device.type()).setDevice(device);  // NCCL takes the one that is set
    guarded([&] { on_gpus_ = nccl(); });
    group_->setBackend(device.type(), c10d::ProcessGroup::BackendType::NCCL, on_gpus_);
  }
  void sum(std::vector<torch::Tensor> tensors) override {
    for (torch::Tensor& tensor : tensors) {
      std::vector<torch::Tensor> one = {tensor};
      wait([&] { return group_->allreduce(one); });
    }
  }
  void broadcast(std::vector<torch::Tensor> tensors, int from) override {
    c10d::BroadcastOptions options;
    options.rootRank = from;
    for (torch::Tensor& tensor : tensors) {
      std::vector<torch::Tensor> one = {tensor};
      wait([&] { return group_->broadcast(one, options); });
    }
  }
  void broadcast_each(const std::vector<std::vector<torch::Tensor>>& lists) override {
    constexpr size_t kBuffer = 64 << 20;
    guarded([&] {
      for (size_t from = 0; from < lists.size(); ++from)
        if (!lists[from].empty()) c10d::broadcast_coalesced(group_, lists[from], kBuffer, static_cast<int>(from));
    });
  }
  void send_to_first(torch::Tensor tensor, int from) override {
    std::vector<torch::Tensor> one = {std::move(tensor)};
    if (rank() == from) wait([&] { return group_->send(one, 0, /*tag=*/0); });
    if (is_first()) wait([&] { return group_->recv(one, from, /*tag=*/0); });
  }
  c10d::ProcessGroup* group() override { return group_.get(); }
  void guarded(const std::function<void()>& work) override {
    try {
      work();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      if (!is_of_transport(error)) throw;
      // The watch knows which one has gone, or will in a moment, and then ends this process.
      std::this_thread::sleep_for(kTimeForWatch);
      throw LostProcess("another process of the run has ended");
    }
  }
  bool announce_failure(ExitCode status, const std::string& line) override {
    return watch_->announce_failure(status, line);
  }

 private:
  static std::shared_ptr<::gloo::transport::Device> device(const Launch& launch) {
    if (const char* interface = std::getenv("GLOO_SOCKET_IFNAME"))
      return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
    if (launch.world_size == launch.local_world_size)
      return c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
    return c10d::ProcessGroupGloo::createDefaultDevice();
  }

  c10::intrusive_ptr<c10d::Backend> nccl() const {
#ifdef TVAE_WITH_NCCL
    const auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kPatience;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("gpus", store_), rank(),
                                                       size(), options);
#else
    throw ConfigError("several processes", "--device cuda, of a program that was built without NCCL", "--device cpu",
                      "NCCL's header and CUDA's have to be there when it is built, and a libtorch with CUDA");
#endif
  }

  template <class Start>
  void wait(const Start& start) {
    guarded([&] { start()->wait(); });
  }
  std::unique_ptr<Deadline> meeting_;  // until all have met
  c10::intrusive_ptr<c10d::Store> store_;
  std::unique_ptr<ProcessWatch> watch_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  c10::intrusive_ptr<c10d::Backend> on_gpus_;  // of group_, where there are GPUs
};

}  // namespace

std::unique_ptr<Communicator> join_processes(const Launch& launch, const OnLostProcess& on_failure) {
  require_address(launch.master_address);
  return std::make_unique<C10dCommunicator>(launch, on_failure);
}
#else
std::unique_ptr<Communicator> join_processes(const Launch&, const OnLostProcess&) {
  throw ConfigError("several processes", "a program that was built without Gloo", "",
                    "install its headers (Debian: libgloo-dev) and build again");
}
#endif

}  // namespace tvae
