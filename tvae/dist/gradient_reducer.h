// Sums of gradients over the processes of a run, by PyTorch's own Reducer (that of DistributedDataParallel): buckets of
// gradients travel while the backward pass goes on.
#pragma once

#include <memory>
#include <vector>

#include "tvae/dist/communicator.h"

namespace c10d {
class Reducer;
}

namespace tvae {

class GradientReducer {
 public:
  /// Does nothing for a process that is alone, or planned.
  GradientReducer(Communicator& communicator, const std::vector<torch::Tensor>& parameters);
  ~GradientReducer();

  /// loss.backward(), of this process's share of a sum. With `now` the gradients, those added up before included, then
  /// become those of the sum over all processes. Throws LostProcess.
  void backward(const torch::Tensor& loss, bool now);

 private:
  Communicator& communicator_;
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace tvae
