// The processes that train one model together. One that is alone has a communicator too, which does nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/ops/torch.h"

namespace c10d {
class ProcessGroup;
}

namespace tvae {

/// Another process has ended, or cannot be reached. Exit status 3.
class LostProcess : public Error {
 public:
  explicit LostProcess(const std::string& what)
      : Error(ExitCode::kData, what, "", "", "the run can be resumed from its last checkpoint") {}
};

/// What a process does that learns, in a thread of its own, that another one has ended: it may be waiting for that one
/// in all its other threads, so that it can but end too, with `status`. It prints `line`, unless that is empty: then
/// another process does.
using OnLostProcess = std::function<void(ExitCode status, const std::string& line)>;

/// Every call is made by all processes, in the same order, with tensors of the same shapes and types. Where another
/// process has gone, they throw LostProcess.
class Communicator {
 public:
  Communicator(int rank, int size) : rank_(rank), size_(size) {}
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_alone() const { return size_ == 1; }
  /// The one that writes the run and says what there is to say.
  bool is_first() const { return rank_ == 0; }

  /// Tensors of this device, which computes for this process, can be sent from now on too, without a wait of the host;
  /// those of the CPU always can. Throws ConfigError where they cannot.
  virtual void use_device(torch::Device) {}
  /// Sums over all processes, in place.
  virtual void sum(std::vector<torch::Tensor> tensors) = 0;
  /// What process `from` has, in place.
  virtual void broadcast(std::vector<torch::Tensor> tensors, int from) = 0;
  /// The contents of the tensors that each process gives, of its own list, in all: lists[rank].
  virtual void broadcast_each(const std::vector<std::vector<torch::Tensor>>& lists) = 0;
  /// Process `from` sends its tensor to process 0, whose own takes it in; the others do nothing.
  virtual void send_to_first(torch::Tensor tensor, int from) = 0;
  /// What libtorch's own distributed parts work with; nullptr for a process that is alone.
  virtual c10d::ProcessGroup* group() { return nullptr; }
  /// Calls work(), which uses them. What they throw where another process has gone becomes LostProcess.
  virtual void guarded(const std::function<void()>& work) { work(); }
  /// Tells the others that this process ends, and why, so that they end too, with the same status. Whether it is the
  /// first one to say so, whose line is the one for people.
  virtual bool announce_failure(ExitCode status, const std::string& line) { return true; }

  /// The text of the first process.
  std::string text_of_first(const std::string& text);
  /// The texts of all, in the order of their ranks.
  std::vector<std::string> texts_of_all(const std::string& text);
  bool any(bool here);
  /// Named tensors of all processes, in the first one's memory, on the CPU; of those with the same name the lowest
  /// rank's. The others get theirs back.
  virtual std::map<std::string, torch::Tensor> tensors_of_all(const std::map<std::string, torch::Tensor>& own);
  /// Rows [B', ...] of each process, in the order of their ranks: [all, ...]. `before`: rows of the processes before
  /// this one. Without gradients.
  torch::Tensor gather_rows(const torch::Tensor& rows, int64_t before, int64_t all);

 private:
  int rank_, size_;
};

/// The one of a process that is alone, which remembers nothing: one object serves all.
Communicator& lone_process();

}  // namespace tvae
