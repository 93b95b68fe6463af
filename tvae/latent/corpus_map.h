// A corpus as a map: the codes of its texts, flattened to two dimensions, with a way from places to positions and back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tvae/latent/space.h"

namespace tvae {

/// - kPca: along the two directions of greatest variance. Distances are true, as far as two dimensions show them.
/// - kUmap: neighbours stay neighbours; distances between far ones mean nothing.
enum class Projection { kPca, kUmap };

struct MapOptions {
  int64_t points = 100000;  // texts at most, drawn at random where the corpus has more
  bool umap = true;         // where the program was built with it
  uint64_t seed = 42;
  bool keep = true;  // in MODEL/map, for the next time
};

class CorpusMap {
 public:
  /// Of the different texts of a corpus, with what nearest texts need. Taken from MODEL/map where the weights, texts
  /// and options are the same and all that is wanted is there, and else kept there, if it is to be; a folder that
  /// cannot be written to is warned of. Throws as LatentSpace::index.
  static CorpusMap open(const LatentSpace& space, const Rows& corpus, const MapOptions& options = {},
                        Progress& progress = Progress::none());
  /// Whether it was taken from MODEL/map.
  bool was_kept() const { return was_kept_; }

  /// The points: their texts, rows in the corpus and codes [N, K, D].
  const TextIndex& index() const { return index_; }
  int64_t points() const { return static_cast<int64_t>(index_.texts().size()); }

  /// The different labels, the most frequent first; none where the corpus has none.
  const std::vector<std::string>& labels() const { return labels_; }
  /// The place of each point's label among these; -1 where it has none.
  const std::vector<int32_t>& label_of() const { return label_of_; }

  bool has(Projection projection) const;
  /// [N, 2] fp32. Throws ConfigError where the map has no such projection.
  const torch::Tensor& positions(Projection projection) const;
  /// Where codes [Q, K, D] lie: [Q, 2]. PCA is exact; UMAP places a code among its nearest points.
  torch::Tensor project(Projection projection, const torch::Tensor& codes) const;
  /// Codes [Q, K, D] of positions [Q, 2], between the points too: a mix of those that lie nearest on the map, so that
  /// it is as typical as they are; on PCA's map moved to the very position. Throws DataError for numbers beyond 1e6.
  torch::Tensor invert(Projection projection, const torch::Tensor& positions) const;
  /// The same for any other positions [N, 2] of the points, such as what two directions say of them.
  torch::Tensor mix_nearest(const torch::Tensor& of_points, const torch::Tensor& positions) const;

 private:
  CorpusMap(TextIndex index, std::vector<std::string> labels, std::vector<int32_t> label_of);
  void lay_out(const MapOptions& options, Progress& progress);
  TextIndex index_;
  std::vector<std::string> labels_;
  std::vector<int32_t> label_of_;
  torch::Tensor mean_, axes_;  // of PCA: [K · D] and [2, K · D]
  torch::Tensor pca_, umap_;   // [N, 2]; the second undefined where there is none
  bool was_kept_ = false;
};

/// The codes [N, K, D] of texts of which there is a kept map of the weights that the model has now.
std::optional<torch::Tensor> codes_of_kept_map(const LatentSpace& space, const std::vector<std::string>& texts);

/// A number of a code, as the texts of a corpus use it.
struct Dimension {
  int64_t token = 0, index = 0;
  double mean = 0.0, deviation = 0.0;  // over the corpus
  std::optional<double> rate;          // nats that texts tell by it on average; nothing of deterministic codes
};
/// Of texts' posteriors, those that tell most first.
std::vector<Dimension> dimensions_of(const EncodedTexts& texts);

}  // namespace tvae
