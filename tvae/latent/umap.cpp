#include "tvae/latent/umap.h"

#include "tvae/base/error.h"

#ifdef TVAE_UMAP
#include <umappp/umappp.hpp>
#endif

namespace tvae {

#ifdef TVAE_UMAP

namespace {

using torch::Tensor;

constexpr int64_t kNeighbors = 15;          // of each code, as umap-learn's default
constexpr int64_t kExactlySearched = 4000;  // codes that are compared with all others
constexpr int64_t kQueriesAtOnce = 1000;

/// The neighbours of each code but itself, the nearest first.
umappp::NeighborList<int, float> neighbors_of(const Tensor& codes, Metric metric, Progress& progress) {
  const int64_t n = codes.size(0), wanted = std::min(kNeighbors + 1, n);
  std::unique_ptr<NeighborIndex> graph;
  if (n > kExactlySearched) {
    progress.update("finding neighbours", 0, n);
    graph = std::make_unique<NeighborIndex>(codes, metric);
  }
  umappp::NeighborList<int, float> all(static_cast<size_t>(n));
  for (int64_t start = 0; start < n; start += kQueriesAtOnce) {
    progress.update("finding neighbours", start, n);
    const Tensor queries = codes.narrow(0, start, std::min(kQueriesAtOnce, n - start));
    const Neighbors found = graph ? graph->search(queries, wanted) : exact_neighbors(codes, queries, wanted, metric);
    const auto rows = found.rows.accessor<int64_t, 2>();
    const auto distances = found.distances.accessor<float, 2>();
    for (int64_t query = 0; query < queries.size(0); ++query)
      for (int64_t place = 0; place < wanted; ++place)
        if (rows[query][place] != start + query)
          all[static_cast<size_t>(start + query)].emplace_back(static_cast<int>(rows[query][place]),
                                                               std::max(0.0F, distances[query][place]));
  }
  return all;
}

}  // namespace

bool has_umap() {
  return true;
}

Tensor umap(const Tensor& codes, Metric metric, uint64_t seed, Progress& progress) {
  if (codes.size(0) < kFewestForUmap)
    throw DataError("UMAP of codes", std::to_string(codes.size(0)), "at least " + std::to_string(kFewestForUmap));
  umappp::Options options;
  options.initialize_seed = seed;
  options.optimize_seed = seed + 1;
  Tensor positions = at::zeros({codes.size(0), 2}, at::kFloat);  // column-major 2 × N, as umappp wants it
  auto layout = umappp::initialize(neighbors_of(codes, metric, progress), 2, positions.data_ptr<float>(), options);
  for (int epoch = 1; epoch <= layout.num_epochs(); ++epoch) {
    progress.update("laying out the map", epoch, layout.num_epochs());
    layout.run(positions.data_ptr<float>(), epoch);
  }
  return positions;
}

#else

bool has_umap() {
  return false;
}

torch::Tensor umap(const torch::Tensor&, Metric, uint64_t, Progress&) {
  throw ConfigError("this program was built without UMAP", "", "", "its other maps are there");
}

#endif

}  // namespace tvae
