// For a plan: one of several processes, of which no other is there.
#pragma once

#include "tvae/dist/communicator.h"

namespace tvae {

/// The first of `size`, for a step on the meta device: what it would send or get has shapes and no numbers.
class PlannedProcesses : public Communicator {
 public:
  explicit PlannedProcesses(int size) : Communicator(/*rank=*/0, size) {}
  void sum(std::vector<torch::Tensor>) override {}
  void broadcast(std::vector<torch::Tensor>, int) override {}
  void broadcast_each(const std::vector<std::vector<torch::Tensor>>&) override {}
  void send_to_first(torch::Tensor, int) override {}
  std::map<std::string, torch::Tensor> tensors_of_all(const std::map<std::string, torch::Tensor>& own) override {
    return own;
  }
};

}  // namespace tvae
