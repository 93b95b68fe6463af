#include "tvae/ops/side_by_side.h"

#include <ATen/Parallel.h>

#include <exception>
#include <mutex>

#include "tvae/ops/linear.h"
#include "tvae/ops/torch.h"

namespace tvae {
namespace {

/// The caller's, which also ends where another part has failed.
class OwnProgress : public Progress {
 public:
  OwnProgress(Progress& progress, StopFlag& stop) : progress_(progress), stop_(stop) {}
  void update(const char* what, int64_t done, int64_t total) override {
    stop_.update(what, done, total);
    progress_.update(what, done, total);
  }

 private:
  Progress& progress_;
  StopFlag& stop_;
};

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
  const bool rounds = Bf16Products::enabled();
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // properties of the thread
    const Bf16Products rounded(rounds);
    for (int64_t part = begin; part < end; ++part) try {
        body(part, part == 0 ? static_cast<Progress&>(own) : stop);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        stop.stop();
      }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tvae
