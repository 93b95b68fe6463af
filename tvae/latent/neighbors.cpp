#include "tvae/latent/neighbors.h"

#include <ATen/Parallel.h>
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "tvae/base/assert.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/mapped_file.h"
#include "tvae/base/parallel.h"
#include "tvae/base/threads.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kQueriesAtOnce = 256;  // of exact search: bounds the table of distances
constexpr int64_t kCodesAtOnce = 16384;  // that queries are compared with: they stay in the caches meanwhile
/// Building the graph costs about as much as so many exact searches.
constexpr int64_t kQueriesForAGraph = 10000;
constexpr size_t kLinks = 16;         // of a code in the graph
constexpr size_t kBuildWidth = 200;   // candidates looked at when a code is linked: hnswlib's own default
constexpr size_t kSearchWidth = 200;  // and when one is searched for, at least

/// [N, 1], of rows [N, K·D]; more than 0, so that what is divided by them is a number.
Tensor lengths_of(const Tensor& rows) {
  return at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}, /*keepdim=*/true).clamp_min_(1e-30);
}

/// [N, K·D] fp32; of length 1 for the cosine, so that an inner product is one.
Tensor rows_of(const Tensor& codes, Metric metric) {
  const Tensor rows = codes.to(at::kFloat).flatten(1);
  return metric == Metric::kL2 ? rows.contiguous() : (rows / lengths_of(rows)).contiguous();
}

/// From queries [Q, K·D] of rows_of to codes [N, K, D]: [Q, N].
Tensor distances_to(const Tensor& codes, const Tensor& queries, Metric metric) {
  // Not by way of inner products, which would give a code some distance from itself.
  constexpr int64_t kDirectly = 2;
  if (metric == Metric::kL2) return at::cdist(queries, rows_of(codes, metric), 2.0, kDirectly);
  const Tensor rows = codes.to(at::kFloat).flatten(1);
  return (1.0 - at::mm(queries, rows.t()) / lengths_of(rows).t()).clamp_min_(0.0);
}

}  // namespace

Neighbors exact_neighbors(const Tensor& codes, const Tensor& queries, int64_t n, Metric metric) {
  TVAE_ASSERT(n <= codes.size(0), "as many neighbours as codes at most");
  std::vector<Tensor> indices, distances;
  for (const Tensor& some : rows_of(queries, metric).split(kQueriesAtOnce)) {
    Tensor nearest = at::empty({some.size(0), 0}, at::kFloat), where = at::empty({some.size(0), 0}, at::kLong);
    for (int64_t start = 0; start < codes.size(0); start += kCodesAtOnce) {
      const Tensor table = distances_to(codes.slice(0, start, start + kCodesAtOnce), some, metric);
      const auto [block_nearest, block_where] = table.topk(std::min(n, table.size(1)), 1, /*largest=*/false);
      const Tensor all_where = at::cat({where, block_where + start}, 1);
      Tensor order;
      std::tie(nearest, order) = at::cat({nearest, block_nearest}, 1)
                                     .topk(std::min(n, all_where.size(1)), 1, /*largest=*/false, /*sorted=*/true);
      where = all_where.gather(1, order);
    }
    distances.push_back(nearest);
    indices.push_back(where);
  }
  return {at::cat(indices), at::cat(distances)};
}

struct NeighborIndex::Implementation {
  using Graph = hnswlib::HierarchicalNSW<float>;

  Implementation(Tensor of_codes, Metric by) : codes(std::move(of_codes)), metric(by) {
    const auto width = static_cast<size_t>(codes.size(1) * codes.size(2));
    if (metric == Metric::kL2)
      space = std::make_unique<hnswlib::L2Space>(width);
    else
      space = std::make_unique<hnswlib::InnerProductSpace>(width);
    graph = std::make_unique<Graph>(space.get(), static_cast<size_t>(codes.size(0)), kLinks, kBuildWidth);
  }

  Tensor codes;
  Metric metric;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<Graph> graph;
};

NeighborIndex::NeighborIndex(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

NeighborIndex::NeighborIndex(const Tensor& codes, Metric metric, Build build)
    : NeighborIndex(std::make_unique<Implementation>(codes, metric)) {
  const size_t threads = build == Build::kRepeatable ? 1 : max_threads();
  for (int64_t start = 0; start < codes.size(0); start += kCodesAtOnce) {
    const Tensor rows = rows_of(codes.slice(0, start, start + kCodesAtOnce), metric);
    const auto add = [&](size_t row) {
      implementation_->graph->addPoint(rows.const_data_ptr<float>() + row * static_cast<size_t>(rows.size(1)),
                                       static_cast<size_t>(start) + row);
    };
    size_t done = 0;
    if (start == 0) add(done++);  // from which all others are reached
    parallel_for(
        static_cast<size_t>(rows.size(0)) - done, [&](size_t i) { add(done + i); }, threads);
  }
}

namespace {

using Graph = hnswlib::HierarchicalNSW<float>;

template <class Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

unsigned int links_size(const Graph& graph, size_t code) {
  return static_cast<unsigned int>(graph.size_links_per_element_ * static_cast<size_t>(graph.element_levels_[code]));
}

/// What begins the file of a graph of so many codes, in hnswlib's format.
std::string first_bytes(const Graph& graph, size_t codes) {
  std::string bytes;
  for (const size_t value : {graph.offsetLevel0_, graph.max_elements_, codes, graph.size_data_per_element_,
                             graph.label_offset_, graph.offsetData_})
    bytes += bytes_of(value);
  return bytes;
}

/// Whether links lead to codes that are there, on their level too.
bool are_links(const Graph& graph, const hnswlib::linklistsizeint* list, size_t most, int level) {
  const size_t count = graph.getListCount(const_cast<hnswlib::linklistsizeint*>(list));
  if (count > most) return false;
  const auto* const links = reinterpret_cast<const hnswlib::tableint*>(list + 1);
  return std::all_of(links, links + count, [&](hnswlib::tableint link) {
    return link < graph.cur_element_count && graph.element_levels_[link] >= level;
  });
}

/// Whether a search of what was loaded stays within it, and finds its codes.
bool is_graph_of(const Graph& graph, const Tensor& codes, Metric metric) {
  const auto count = static_cast<size_t>(codes.size(0));
  if (graph.M_ != kLinks || graph.maxM_ != kLinks || graph.maxM0_ != 2 * kLinks) return false;
  if (graph.enterpoint_node_ >= count || graph.label_lookup_.size() != count) return false;
  if (graph.maxlevel_ != graph.element_levels_[graph.enterpoint_node_]) return false;
  for (size_t code = 0; code < count; ++code) {
    const auto id = static_cast<hnswlib::tableint>(code);
    if (graph.getExternalLabel(id) >= count || !are_links(graph, graph.get_linklist0(id), graph.maxM0_, 0))
      return false;
    for (int level = 1; level <= graph.element_levels_[code]; ++level)
      if (!are_links(graph, graph.get_linklist(id, level), graph.maxM_, level)) return false;
  }
  for (int64_t start = 0; start < codes.size(0); start += kCodesAtOnce) {
    const Tensor rows = rows_of(codes.slice(0, start, start + kCodesAtOnce), metric);
    const size_t size = sizeof(float) * static_cast<size_t>(rows.size(1));
    for (int64_t row = 0; row < rows.size(0); ++row)
      if (std::memcmp(graph.getDataByInternalId(graph.label_lookup_.at(static_cast<size_t>(start + row))),
                      rows.const_data_ptr<float>() + row * rows.size(1), size) != 0)
        return false;
  }
  return true;
}

}  // namespace

void NeighborIndex::save(const std::string& path) const {
  // As HierarchicalNSW::saveIndex does, which cannot say that a disk is full.
  const Graph& graph = *implementation_->graph;
  const size_t codes = graph.cur_element_count;
  write_file_atomically(path, [&](const Sink& sink) {
    sink(first_bytes(graph, codes));
    sink(bytes_of(graph.maxlevel_));
    sink(bytes_of(graph.enterpoint_node_));
    for (const size_t value : {graph.maxM_, graph.maxM0_, graph.M_}) sink(bytes_of(value));
    sink(bytes_of(graph.mult_));
    sink(bytes_of(graph.ef_construction_));
    sink({graph.data_level0_memory_, codes * graph.size_data_per_element_});
    std::string links;
    for (size_t code = 0; code < codes; ++code) {
      const unsigned int size = links_size(graph, code);
      links += bytes_of(size);
      if (size > 0) links.append(graph.linkLists_[code], size);
    }
    sink(links);
  });
  const std::optional<MappedFile> written = MappedFile::open(path);
  if (written) write_file_atomically(path + kCheckSuffix, hex(hash_bytes(written->bytes())));
}

std::unique_ptr<NeighborIndex> NeighborIndex::load(const std::string& path, const Tensor& codes, Metric metric) {
  auto loaded = std::make_unique<Implementation>(codes, metric);
  const std::optional<MappedFile> file = MappedFile::open(path);
  if (!file || !file->bytes().starts_with(first_bytes(*loaded->graph, static_cast<size_t>(codes.size(0)))))
    return nullptr;
  // hnswlib relies on what it reads.
  if (!file_exists(path + kCheckSuffix) || read_file(path + kCheckSuffix) != hex(hash_bytes(file->bytes())))
    return nullptr;
  try {
    loaded->graph = std::make_unique<Graph>(loaded->space.get(), path);
  } catch (const std::runtime_error& damaged) {
    log_verbose(path + ": " + damaged.what());
    return nullptr;
  }
  if (!is_graph_of(*loaded->graph, codes, metric)) return nullptr;
  return std::unique_ptr<NeighborIndex>(new NeighborIndex(std::move(loaded)));
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

struct CodeSearch::Graph {
  MakeGraph make;
  std::once_flag made;
  std::unique_ptr<NeighborIndex> index;
};

CodeSearch::CodeSearch(Tensor codes, Metric metric)
    : CodeSearch(codes, metric, [codes, metric] {
        log_verbose("building the graph of " + std::to_string(codes.size(0)) + " codes");
        return std::make_unique<NeighborIndex>(codes, metric, NeighborIndex::Build::kParallel);
      }) {}

CodeSearch::CodeSearch(Tensor codes, Metric metric, MakeGraph make_graph)
    : codes_(std::move(codes)), metric_(metric), graph_(std::make_shared<Graph>()) {
  graph_->make = std::move(make_graph);
}

std::vector<std::vector<CodeSearch::Neighbor>> CodeSearch::query(const Tensor& codes, int64_t n, Method method) const {
  const int64_t count = std::min(n, codes_.size(0));
  Neighbors found;
  if (method == Method::kExact || (method == Method::kAuto && codes.size(0) < kQueriesForAGraph)) {
    found = exact_neighbors(codes_, codes, count, metric_);
  } else {
    std::call_once(graph_->made, [this] { graph_->index = graph_->make(); });
    found = graph_->index->search(codes, count);
  }
  const auto rows = found.rows.accessor<int64_t, 2>();
  const auto distances = found.distances.accessor<float, 2>();
  std::vector<std::vector<Neighbor>> all(static_cast<size_t>(codes.size(0)));
  for (int64_t query = 0; query < codes.size(0); ++query)
    for (int64_t place = 0; place < count; ++place)
      all[static_cast<size_t>(query)].push_back(
          {static_cast<size_t>(rows[query][place]), static_cast<double>(distances[query][place])});
  return all;
}

}  // namespace tvae
