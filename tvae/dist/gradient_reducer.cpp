#include "tvae/dist/gradient_reducer.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <type_traits>

namespace tvae {
namespace {

constexpr size_t kFirstBucketBytes = 1 << 20, kBucketBytes = 25 << 20;  // those of DistributedDataParallel

/// The Reducer warns where all weights have gradients that it need not have looked; it must, since losses come and go.
class Silence : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

/// Its constructor has more arguments in later versions of libtorch.
template <class Reducer>
std::unique_ptr<Reducer> make_reducer(const std::vector<torch::Tensor>& parameters,
                                      const std::vector<std::vector<size_t>>& buckets, c10d::ProcessGroup* group) {
  using Group = c10::intrusive_ptr<c10d::ProcessGroup>;
  using Names = std::unordered_map<size_t, std::string>;
  const Group processes = Group::reclaim_copy(group);
  const std::vector<bool> sparse(parameters.size(), false);
  constexpr bool kFindUnused = true, kGradientsInBuckets = true;
  if constexpr (std::is_constructible_v<Reducer, std::vector<torch::Tensor>, std::vector<std::vector<size_t>>, Group,
                                        std::vector<bool>, int64_t, bool, bool, Names, int64_t, bool, bool,
                                        std::vector<int64_t>>)
    return std::make_unique<Reducer>(parameters, buckets, processes, sparse, kBucketBytes, kFindUnused,
                                     kGradientsInBuckets, Names(), kFirstBucketBytes, false, false,
                                     std::vector<int64_t>());
  else
    return std::make_unique<Reducer>(parameters, buckets, processes, sparse, kBucketBytes, kFindUnused,
                                     kGradientsInBuckets, Names(), kFirstBucketBytes, false, false);
}

}  // namespace

GradientReducer::GradientReducer(Communicator& communicator, const std::vector<torch::Tensor>& parameters)
    : communicator_(communicator) {
  if (communicator.group() == nullptr) return;
  auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(parameters, {kFirstBucketBytes, kBucketBytes},
                                                                   std::vector<bool>(parameters.size(), false));
  std::reverse(buckets.begin(), buckets.end());  // about the order in which gradients come
  reducer_ = make_reducer<c10d::Reducer>(parameters, buckets, communicator.group());
}

GradientReducer::~GradientReducer() = default;

void GradientReducer::backward(const torch::Tensor& loss, bool now) {
  if (!reducer_) return loss.backward();
  const torch::Tensor scaled = loss * static_cast<double>(communicator_.size());  // the Reducer takes means
  if (!now) return scaled.backward();
  communicator_.guarded([&] {
    {
      Silence silence;
      const c10::WarningUtils::WarningHandlerGuard guard(&silence);
      reducer_->prepare_for_backward({scaled});
    }
    scaled.backward();
  });
}

}  // namespace tvae
