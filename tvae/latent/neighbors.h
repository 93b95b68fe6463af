// Nearest codes: exactly, by comparing with all, or fast, by a graph of near ones.
#pragma once

#include <memory>

#include "tvae/ops/torch.h"

namespace tvae {

enum class Metric {
  kCosine,  // 1 - cosine of the angle; that of a code of zeros is 1
  kL2,      // Euclidean
};

/// The n nearest codes to each of Q queries, the nearest first.
struct Neighbors {
  torch::Tensor rows;       // [Q, n] int64
  torch::Tensor distances;  // [Q, n] fp32
};

/// Codes [N, K, D] and queries [Q, K, D], on the CPU; n is at most N.
Neighbors exact_neighbors(const torch::Tensor& codes, const torch::Tensor& queries, int64_t n, Metric metric);

/// A hierarchical navigable small-world graph (Malkov and Yashunin 2018), by hnswlib. Building it takes about as long
/// as some thousands of exact searches; then a search looks at few codes, and misses a neighbour now and then. The same
/// codes give the same graph.
class NeighborIndex {
 public:
  /// codes [N, K, D], on the CPU.
  NeighborIndex(const torch::Tensor& codes, Metric metric);
  ~NeighborIndex();
  Neighbors search(const torch::Tensor& queries, int64_t n) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace tvae
