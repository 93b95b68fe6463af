#include "tvae/latent/corpus_map.h"

#include <algorithm>
#include <map>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/io/safetensors.h"
#include "tvae/latent/first_rows.h"
#include "tvae/latent/moves.h"
#include "tvae/latent/umap.h"
#include "tvae/run/weights_fingerprint.h"

namespace tvae {
namespace {

using torch::Tensor;

/// What the file says of how it was made; another number, another way.
constexpr const char* kMadeAs = "1";

struct Corpus {
  std::vector<std::string> texts;
  std::vector<int64_t> rows;
  std::vector<std::string> labels;  // of each text; empty where there are none
};

/// Every text once, without empty ones; some of them, in the corpus's order, where there are more than `most`.
Corpus chosen_texts(const Rows& rows, int64_t most, uint64_t seed) {
  std::vector<int64_t> kept = first_rows(rows.texts);
  if (static_cast<int64_t>(kept.size()) > most) {
    Rng rng(seed);
    const Tensor order = at::randperm(static_cast<int64_t>(kept.size()), rng.generator(), at::kLong);
    std::vector<int64_t> drawn;
    for (int64_t i = 0; i < most; ++i) drawn.push_back(kept[static_cast<size_t>(order[i].item<int64_t>())]);
    std::ranges::sort(drawn);
    log_info("the map holds " + counted(most, "text") + ", drawn from " + std::to_string(kept.size()));
    kept = std::move(drawn);
  }
  Corpus corpus;
  for (const int64_t row : kept) {
    const auto i = static_cast<size_t>(row);
    corpus.texts.push_back(rows.texts[i]);
    corpus.rows.push_back(i < rows.numbers.size() ? rows.numbers[i] : row);
    if (!rows.labels.empty()) corpus.labels.push_back(rows.labels[i]);
  }
  return corpus;
}

/// The different labels, the most frequent first, of equally frequent ones the first in the alphabet.
std::vector<std::string> by_frequency(const std::vector<std::string>& labels) {
  std::map<std::string, int64_t> counts;
  for (const std::string& label : labels) ++counts[label];
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) names.push_back(name);
  std::ranges::stable_sort(names, [&](const auto& a, const auto& b) { return counts[a] > counts[b]; });
  return names;
}

std::string file_of(const LatentSpace& space, const std::vector<std::string>& texts) {
  uint64_t hash = 0;
  for (const std::string& text : texts) hash = hash_bytes(text, hash + 1);
  return space.model().directory + "/map/" + hex(hash) + ".safetensors";
}

/// mean [F] and the two directions of greatest variance [2, F] of rows [N, F]: by subspace iteration, which needs no
/// F × F matrix. Each direction points where its largest number is positive, so that a map is not mirrored by chance.
std::pair<Tensor, Tensor> principal_axes(const Tensor& rows, uint64_t seed, Progress& progress) {
  constexpr int64_t kColumns = 8, kRounds = 15;
  const int64_t features = rows.size(1);
  const Tensor mean = rows.mean(0);
  const Tensor centred = rows - mean;
  Rng rng(seed);
  Tensor basis = at::randn({features, std::min(kColumns, features)}, rng.generator(), at::kFloat);
  for (int64_t round = 0; round < kRounds; ++round) {
    progress.update("finding the axes", round, kRounds);
    basis = std::get<0>(at::linalg_qr(at::matmul(centred.t(), at::matmul(centred, basis))));
  }
  const Tensor small = at::matmul(centred, basis);
  const Tensor rotation = std::get<1>(at::linalg_eigh(at::matmul(small.t(), small)));  // ascending variance
  Tensor axes = at::matmul(basis, rotation).t().flip(0);
  if (axes.size(0) < 2) axes = at::cat({axes, at::zeros({1, features})});
  axes = axes.narrow(0, 0, 2).contiguous();
  const Tensor largest = axes.gather(1, axes.abs().argmax(1, /*keepdim=*/true));
  return {mean, at::where(largest < 0, -axes, axes)};
}

}  // namespace

CorpusMap::CorpusMap(TextIndex index, std::vector<std::string> labels, std::vector<int32_t> label_of)
    : index_(std::move(index)), labels_(std::move(labels)), label_of_(std::move(label_of)) {}

void CorpusMap::lay_out(const MapOptions& options, Progress& progress) {
  const Tensor flat = index_.codes().flatten(1);
  std::tie(mean_, axes_) = principal_axes(flat, options.seed, progress);
  pca_ = at::matmul(flat - mean_, axes_.t());
  if (options.umap && has_umap() && points() >= kFewestForUmap)
    umap_ = umap(index_.codes(), Metric::kCosine, options.seed, progress);
}

CorpusMap CorpusMap::open(const LatentSpace& space, const Rows& rows, const MapOptions& options, Progress& progress) {
  const torch::NoGradGuard no_grad;
  Corpus corpus = chosen_texts(rows, options.points, options.seed);
  if (corpus.texts.empty()) throw DataError("a corpus without texts", "", "texts to map");
  const std::vector<std::string> labels = by_frequency(corpus.labels);
  std::map<std::string, int32_t> place;
  for (size_t i = 0; i < labels.size(); ++i) place[labels[i]] = static_cast<int32_t>(i);
  std::vector<int32_t> label_of(corpus.texts.size(), -1);
  for (size_t i = 0; i < corpus.labels.size(); ++i) label_of[i] = place[corpus.labels[i]];

  const std::string file = file_of(space, corpus.texts);
  const std::map<std::string, std::string> made = {
      {"weights", codes_fingerprint(space.model())}, {"made_as", kMadeAs}, {"seed", std::to_string(options.seed)}};
  const auto with_codes = [&](const Tensor& codes) {
    return CorpusMap(TextIndex(std::move(corpus.texts), std::move(corpus.rows), codes, Metric::kCosine), labels,
                     std::move(label_of));
  };
  const bool wants_umap = options.umap && has_umap() && static_cast<int64_t>(corpus.texts.size()) >= kFewestForUmap;
  if (file_exists(file)) {
    try {
      std::map<std::string, std::string> metadata;
      const TensorMap kept = load_safetensors(file, &metadata);
      const Tensor codes = kept.at("codes"), mean = kept.at("pca_mean"), axes = kept.at("pca_axes"),
                   pca = kept.at("pca");
      if (metadata == made && (kept.contains("umap") || !wants_umap) &&
          codes.size(0) == static_cast<int64_t>(corpus.texts.size())) {
        CorpusMap map = with_codes(codes);  // which takes the corpus: from here on nothing may fail
        map.mean_ = mean;
        map.axes_ = axes;
        map.pca_ = pca;
        if (wants_umap) map.umap_ = kept.at("umap");
        map.was_kept_ = true;
        return map;
      }
    } catch (const std::exception& damaged) {  // it is made again
      log_verbose(damaged.what());
    }
  }
  const Tensor codes = space.encode(corpus.texts, progress).mean;
  CorpusMap map = with_codes(codes);
  map.lay_out(options, progress);
  if (!options.keep) return map;
  TensorMap tensors = {{"codes", codes}, {"pca_mean", map.mean_}, {"pca_axes", map.axes_}, {"pca", map.pca_}};
  if (map.umap_.defined()) tensors["umap"] = map.umap_;
  try {
    make_directories(space.model().directory + "/map");
    save_safetensors(file, tensors, made);
  } catch (const DataError& error) {
    log_warning("the map is not kept: " + std::string(error.what()));
  }
  return map;
}

std::optional<Tensor> codes_of_kept_map(const LatentSpace& space, const std::vector<std::string>& texts) {
  const std::string file = file_of(space, texts);
  if (!file_exists(file)) return std::nullopt;
  try {
    std::map<std::string, std::string> metadata;
    const Tensor codes = load_safetensors(file, &metadata).at("codes");
    const std::vector<int64_t> sizes = {static_cast<int64_t>(texts.size()), space.latent_tokens(), space.latent_size()};
    if (metadata["weights"] == codes_fingerprint(space.model()) && metadata["made_as"] == kMadeAs &&
        codes.sizes() == at::IntArrayRef(sizes) && codes.scalar_type() == at::kFloat)
      return codes;
  } catch (const std::exception& damaged) {  // the texts are encoded again
    log_verbose(damaged.what());
  }
  return std::nullopt;
}

bool CorpusMap::has(Projection projection) const {
  return projection == Projection::kPca || umap_.defined();
}

const Tensor& CorpusMap::positions(Projection projection) const {
  if (projection == Projection::kPca) return pca_;
  if (!umap_.defined())
    throw ConfigError("the map has no UMAP", "", "pca",
                      has_umap() ? "it has too few texts, or was made without" : "the program was built without it");
  return umap_;
}

namespace {

/// Points that a place between points is made of.
constexpr int64_t kAround = 8;
/// Beyond it the squares of distances are no numbers of fp32.
constexpr double kFarthest = 1e6;

/// How much each of the nearest counts by its distance [Q, n], the nearest first: as inverse squares, and all of one at
/// distance 0.
Tensor nearness(const Tensor& distances) {
  const Tensor unit = distances.narrow(1, distances.size(1) - 1, 1).clamp_min(1e-12);
  const Tensor weights = 1.0 / (distances / unit).square().clamp_min(1e-12);
  return weights / weights.sum(1, /*keepdim=*/true);
}

}  // namespace

Tensor CorpusMap::project(Projection projection, const Tensor& codes) const {
  const Tensor& map = positions(projection);
  if (projection == Projection::kPca) return at::matmul(codes.flatten(1) - mean_, axes_.t());
  if (codes.size(0) == 0) return at::zeros({0, 2});
  const auto nearest = index_.query(codes, kAround);
  std::vector<Tensor> found;
  for (const auto& neighbors : nearest) {
    std::vector<int64_t> points;
    std::vector<float> distances;
    for (const auto& [point, distance] : neighbors) {
      points.push_back(static_cast<int64_t>(point));
      distances.push_back(static_cast<float>(std::max(distance, 0.0)));
    }
    const Tensor weights = nearness(torch::tensor(distances).unsqueeze(0));
    found.push_back(at::matmul(weights, map.index_select(0, torch::tensor(points, at::kLong))));
  }
  return at::cat(found);
}

Tensor CorpusMap::mix_nearest(const Tensor& of_points, const Tensor& targets) const {
  if (targets.size(0) == 0) return index_.codes().narrow(0, 0, 0);
  if (const double farthest = targets.abs().max().item<double>(); !(farthest <= kFarthest))
    throw DataError("a place on the map", std::to_string(farthest), "numbers of at most a million");
  const auto [distances, nearest] =
      at::cdist(targets.to(at::kFloat), of_points).topk(std::min(kAround, points()), 1, /*largest=*/false);
  const Tensor weights = nearness(distances).to(at::kDouble);
  std::vector<Tensor> codes;
  for (int64_t query = 0; query < targets.size(0); ++query) {
    const Tensor share = weights[query].contiguous();
    codes.push_back(mixed_code(index_.codes().index_select(0, nearest[query]),
                               {share.const_data_ptr<double>(), share.const_data_ptr<double>() + share.numel()}));
  }
  return at::stack(codes);
}

Tensor CorpusMap::invert(Projection projection, const Tensor& targets) const {
  const Tensor mixed = mix_nearest(positions(projection), targets);
  if (projection != Projection::kPca) return mixed;
  return mixed + at::matmul(targets.to(at::kFloat) - project(projection, mixed), axes_).view_as(mixed);
}

std::vector<Dimension> dimensions_of(const EncodedTexts& texts) {
  const Tensor mean = texts.mean.mean(0).to(at::kDouble), deviation = texts.mean.std(0, false).to(at::kDouble);
  Tensor rate;
  if (texts.log_variance) rate = texts.posterior().to(at::kDouble).rate().mean(0);
  std::vector<Dimension> all;
  for (int64_t token = 0; token < mean.size(0); ++token)
    for (int64_t index = 0; index < mean.size(1); ++index) {
      Dimension dimension{token, index, mean[token][index].item<double>(), deviation[token][index].item<double>(), {}};
      if (rate.defined()) dimension.rate = rate[token][index].item<double>();
      all.push_back(dimension);
    }
  std::ranges::stable_sort(all, [](const Dimension& a, const Dimension& b) {
    return a.rate.value_or(a.deviation) > b.rate.value_or(b.deviation);
  });
  return all;
}

}  // namespace tvae
