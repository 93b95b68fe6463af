#include "tvae/latent/shared_generation.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <iterator>

namespace tvae {

/// Each is decoded by one of the threads that wait, which may be another than the one that asked.
struct SharedGeneration::Request {
  torch::Tensor codes;
  GenerationOptions options;
  std::vector<Generated> outputs;
  std::exception_ptr failure;
  std::atomic<bool> left = false;  // by the thread that asked: nobody wants the outputs
  std::exception_ptr why_left;
  bool done = false;

  void leave(std::exception_ptr why) {
    why_left = std::move(why);
    left = true;
  }
};

/// Hears of the work on a batch: tells the thread that does it, and ends it once nobody waits for it any more.
class SharedGeneration::OfAll : public Progress {
 public:
  OfAll(SharedGeneration& owner, const Batch& batch, Request& own, Progress& progress)
      : owner_(owner), batch_(batch), own_(own), progress_(progress) {}
  void update(const char* what, int64_t done, int64_t total) override {
    if (!own_.left) {
      try {
        progress_.update(what, done, total);
      } catch (...) {
        own_.leave(std::current_exception());
      }
    }
    const std::lock_guard lock(owner_.mutex_);
    if (std::ranges::all_of(batch_, [](const auto& request) { return request->left.load(); }))
      throw Interrupted("interrupted while decoding");
  }

 private:
  SharedGeneration& owner_;
  const Batch& batch_;
  Request& own_;
  Progress& progress_;
};

SharedGeneration::SharedGeneration(Generate generate, int64_t at_once, int64_t most_rows)
    : generate_(std::move(generate)), at_once_(at_once), most_rows_(most_rows) {}

SharedGeneration::Batch SharedGeneration::take_batch() {
  Batch batch = {waiting_.front()};
  waiting_.pop_front();
  int64_t rows = batch.front()->codes.size(0);
  const auto fits = [&](const Request& request) {
    return static_cast<bool>(request.options.constraint) == static_cast<bool>(batch.front()->options.constraint) &&
           rows + request.codes.size(0) <= most_rows_;
  };
  for (auto request = waiting_.begin(); request != waiting_.end();) {
    if (!fits(**request)) {
      ++request;
      continue;
    }
    rows += (*request)->codes.size(0);
    batch.push_back(std::move(*request));
    request = waiting_.erase(request);
  }
  return batch;
}

void SharedGeneration::decode(const Batch& batch, Request& own, Progress& progress) {
  std::vector<torch::Tensor> codes;
  for (const auto& request : batch) codes.push_back(request->codes);
  std::vector<Generated> outputs;
  std::exception_ptr failure;
  try {
    OfAll listener(*this, batch, own, progress);
    outputs = generate_(at::cat(codes), batch.front()->options, listener);
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  auto next = outputs.begin();
  for (const auto& request : batch) {
    request->failure = failure;
    if (!failure) {
      const auto end = next + request->codes.size(0);
      request->outputs.assign(std::make_move_iterator(next), std::make_move_iterator(end));
      next = end;
    }
    request->done = true;
  }
}

std::vector<Generated> SharedGeneration::operator()(const torch::Tensor& codes, const GenerationOptions& options,
                                                    Progress& progress) {
  if (options.sample || codes.size(0) == 0) return generate_(codes, options, progress);
  const auto own = std::make_shared<Request>();
  own->codes = codes;
  own->options = options;
  std::unique_lock lock(mutex_);
  waiting_.push_back(own);
  while (!own->done && !own->left) {
    if (decoding_ < at_once_ && !waiting_.empty()) {
      ++decoding_;
      const Batch batch = take_batch();
      lock.unlock();
      decode(batch, *own, progress);
      lock.lock();
      --decoding_;
      changed_.notify_all();
    } else if (changed_.wait_for(lock, std::chrono::milliseconds(20)) == std::cv_status::timeout) {
      lock.unlock();
      try {
        progress.update("decoding", 0, codes.size(0));
      } catch (...) {
        own->leave(std::current_exception());
      }
      lock.lock();
    }
  }
  if (own->left) {
    std::erase(waiting_, own);
    std::rethrow_exception(own->why_left);
  }
  if (own->failure) std::rethrow_exception(own->failure);
  return std::move(own->outputs);
}

}  // namespace tvae
