// UMAP (McInnes, Healy and Melville 2018): a map on which neighbours stay neighbours. By umappp.
#pragma once

#include "tvae/base/progress.h"
#include "tvae/latent/neighbors.h"

namespace tvae {

/// Whether the program was built with umappp.
bool has_umap();

/// Fewest codes that umap takes.
inline constexpr int64_t kFewestForUmap = 16;

/// codes [N, K, D] → positions [N, 2] fp32. The same codes and seed give the same map. Throws ConfigError without
/// umappp, DataError for fewer than kFewestForUmap codes.
torch::Tensor umap(const torch::Tensor& codes, Metric metric, uint64_t seed, Progress& progress = Progress::none());

}  // namespace tvae
