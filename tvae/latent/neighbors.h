// Nearest codes: exactly, by comparing with all, or fast, by a graph of near ones.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

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

/// Codes [N, K, D] and queries [Q, K, D], on the CPU; n is at most N. Codes are looked at in blocks, so that it takes
/// little memory beside them.
Neighbors exact_neighbors(const torch::Tensor& codes, const torch::Tensor& queries, int64_t n, Metric metric);

/// A hierarchical navigable small-world graph (Malkov and Yashunin 2018), by hnswlib. Building it takes about as long
/// as some thousands of exact searches; then a search looks at few codes, and misses a neighbour now and then.
class NeighborIndex {
 public:
  enum class Build {
    kRepeatable,  // one code after the other: the same codes give the same graph
    kParallel,    // with all cores (base/threads.h): which neighbours are missed may differ from graph to graph
  };
  /// codes [N, K, D], on the CPU.
  NeighborIndex(const torch::Tensor& codes, Metric metric, Build build = Build::kRepeatable);
  /// Of the file beside a kept graph, with a hash of its bytes.
  static constexpr const char* kCheckSuffix = ".check";
  /// The graph of these codes that save() wrote; null where the file is of anything else, or damaged.
  static std::unique_ptr<NeighborIndex> load(const std::string& path, const torch::Tensor& codes, Metric metric);
  /// Atomically. Throws DataError.
  void save(const std::string& path) const;
  ~NeighborIndex();
  Neighbors search(const torch::Tensor& queries, int64_t n) const;

 private:
  struct Implementation;
  explicit NeighborIndex(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

/// Codes [N, K, D] that are searched, exactly or by their graph. Copies share the graph.
class CodeSearch {
 public:
  enum class Method { kAuto, kExact, kGraph };  // kAuto: the graph where queries are so many that it pays
  struct Neighbor {
    size_t text = 0;  // whose code it is, counted from 0
    double distance = 0.0;
  };
  /// Called when the graph is first asked for.
  using MakeGraph = std::function<std::unique_ptr<NeighborIndex>()>;

  CodeSearch(torch::Tensor codes, Metric metric);
  CodeSearch(torch::Tensor codes, Metric metric, MakeGraph make_graph);

  const torch::Tensor& codes() const { return codes_; }
  Metric metric() const { return metric_; }
  /// The n nearest (or as many as there are) of each code [Q, K, D], the nearest first. May be called from several
  /// threads.
  std::vector<std::vector<Neighbor>> query(const torch::Tensor& codes, int64_t n, Method method = Method::kAuto) const;

 private:
  struct Graph;
  torch::Tensor codes_;
  Metric metric_;
  std::shared_ptr<Graph> graph_;
};

}  // namespace tvae
