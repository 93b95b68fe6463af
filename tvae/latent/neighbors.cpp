#include "tvae/latent/neighbors.h"

#include <ATen/Parallel.h>
#include <hnswlib/hnswlib.h>

#include <mutex>
#include <unordered_map>

#include "tvae/base/assert.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kQueriesAtOnce = 256;  // of exact search: bounds the table of distances
constexpr size_t kLinks = 16;            // of a code in the graph
constexpr size_t kBuildWidth = 200;      // candidates looked at when a code is linked: hnswlib's own default
constexpr size_t kSearchWidth = 200;     // and when one is searched for, at least

/// [N, K·D] fp32; of length 1 for the cosine, so that an inner product is one.
Tensor rows_of(const Tensor& codes, Metric metric) {
  const Tensor rows = codes.to(at::kFloat).flatten(1);
  return metric == Metric::kL2 ? rows.contiguous() : (rows / rows.norm(2, {1}, true).clamp_min(1e-30)).contiguous();
}

}  // namespace

Neighbors exact_neighbors(const Tensor& codes, const Tensor& queries, int64_t n, Metric metric) {
  TVAE_ASSERT(n <= codes.size(0), "as many neighbours as codes at most");
  const Tensor rows = rows_of(codes, metric);
  std::vector<Tensor> indices, distances;
  for (const Tensor& some : rows_of(queries, metric).split(kQueriesAtOnce)) {
    // Not by way of inner products, which would give a code some distance from itself.
    constexpr int64_t kDirectly = 2;
    const Tensor table =
        metric == Metric::kL2 ? at::cdist(some, rows, 2.0, kDirectly) : (1.0 - at::mm(some, rows.t())).clamp_min_(0.0);
    const auto [nearest, where] = table.topk(n, 1, /*largest=*/false, /*sorted=*/true);
    distances.push_back(nearest);
    indices.push_back(where);
  }
  return {at::cat(indices), at::cat(distances)};
}

struct NeighborIndex::Implementation {
  Metric metric;
  Tensor codes;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
};

NeighborIndex::NeighborIndex(const Tensor& codes, Metric metric) : implementation_(std::make_unique<Implementation>()) {
  const Tensor rows = rows_of(codes, metric);
  const auto width = static_cast<size_t>(rows.size(1));
  implementation_->metric = metric;
  implementation_->codes = codes;
  if (metric == Metric::kL2)
    implementation_->space = std::make_unique<hnswlib::L2Space>(width);
  else
    implementation_->space = std::make_unique<hnswlib::InnerProductSpace>(width);
  implementation_->graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(
      implementation_->space.get(), static_cast<size_t>(rows.size(0)), kLinks, kBuildWidth);
  // One after the other: in parallel the graph would depend on which thread comes first.
  for (int64_t row = 0; row < rows.size(0); ++row)
    implementation_->graph->addPoint(rows[row].const_data_ptr<float>(), static_cast<size_t>(row));
}

NeighborIndex::~NeighborIndex() = default;

Neighbors NeighborIndex::search(const Tensor& queries, int64_t n) const {
  TVAE_ASSERT(n <= implementation_->codes.size(0), "as many neighbours as codes at most");
  const Tensor rows = rows_of(queries, implementation_->metric);
  const Tensor indices = at::empty({rows.size(0), n}, at::kLong), distances = at::empty({rows.size(0), n}, at::kFloat);
  implementation_->graph->setEf(std::max(kSearchWidth, static_cast<size_t>(n)));
  at::parallel_for(0, rows.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t query = begin; query < end; ++query) {
      const float* row = rows.const_data_ptr<float>() + query * rows.size(1);
      auto nearest = implementation_->graph->searchKnn(row, static_cast<size_t>(n));
      if (static_cast<int64_t>(nearest.size()) < n) {  // among very many equal codes the graph can come apart
        const Neighbors exact =
            exact_neighbors(implementation_->codes, queries.narrow(0, query, 1), n, implementation_->metric);
        indices[query].copy_(exact.rows[0]);
        const bool squared = implementation_->metric == Metric::kL2;  // as hnswlib's are
        distances[query].copy_(squared ? exact.distances[0].square() : exact.distances[0]);
        continue;
      }
      for (int64_t place = n - 1; place >= 0; --place, nearest.pop()) {  // the farthest comes first
        distances.mutable_data_ptr<float>()[query * n + place] = nearest.top().first;
        indices.mutable_data_ptr<int64_t>()[query * n + place] = static_cast<int64_t>(nearest.top().second);
      }
    }
  });
  distances.clamp_min_(0.0);
  if (implementation_->metric == Metric::kL2) distances.sqrt_();  // hnswlib's are squared
  return {indices, distances};
}

}  // namespace tvae
