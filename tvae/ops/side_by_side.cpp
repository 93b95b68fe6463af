#include "tvae/ops/side_by_side.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

#include "tvae/ops/linear.h"
#include "tvae/ops/torch.h"

namespace tvae {
namespace {

/// The caller's, which also ends where another part has failed.
class OwnProgress : public Progress {
 public:
  OwnProgress(Progress& progress, StopFlag& stop) : progress_(progress), stop_(stop) {}
  void update(const char* what, int64_t done, int64_t total) override {
    what_ = what;
    done_ = done;
    total_ = total;
    stop_.update(what, done, total);
    progress_.update(what, done, total);
  }
  void repeat() {
    if (what_ != nullptr) update(what_, done_, total_);
  }

 private:
  Progress& progress_;
  StopFlag& stop_;
  const char* what_ = nullptr;  // nothing told so far
  int64_t done_ = 0, total_ = 0;
};

constexpr auto kPause = std::chrono::milliseconds(20);  // between looks at whether the others are done

}  // namespace

int64_t parts_at_once() {
  return at::in_parallel_region() ? 1 : at::get_num_threads();
}

void side_by_side(int64_t parts, Progress& progress, const std::function<void(int64_t, Progress&)>& body) {
  if (parts == 1) return body(0, progress);
  StopFlag stop;
  OwnProgress own(progress, stop);
  std::mutex mutex;
  std::exception_ptr failure;
  std::atomic<int64_t> left = parts;
  const bool rounds = Bf16Products::enabled();
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // properties of the thread
    const Bf16Products rounded(rounds);
    const auto attempt = [&](const std::function<void()>& work) {
      try {
        work();
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        stop.stop();
      }
    };
    for (int64_t part = begin; part < end; ++part) {
      attempt([&] { body(part, part == 0 ? static_cast<Progress&>(own) : stop); });
      --left;
    }
    if (begin > 0) return;
    attempt([&] {
      while (left > 0) {
        own.repeat();
        std::this_thread::sleep_for(kPause);
      }
    });
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tvae
