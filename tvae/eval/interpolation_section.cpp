// Paths between random pairs of held-out texts, at ratios 0.1 … 0.9 and their ends.
#include <algorithm>

#include "tvae/eval/bootstrap.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/text_statistics.h"
#include "tvae/latent/paths.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kInterior = 9;

/// Index pairs of different texts.
std::vector<std::pair<int64_t, int64_t>> random_pairs(const std::vector<std::string>& texts, int64_t count, Rng& rng) {
  std::vector<int64_t> different;
  std::unordered_map<std::string, bool> seen;
  for (size_t i = 0; i < texts.size(); ++i)
    if (seen.emplace(texts[i], true).second) different.push_back(static_cast<int64_t>(i));
  const auto n = static_cast<int64_t>(different.size());
  std::vector<std::pair<int64_t, int64_t>> pairs;
  if (n < 2) return pairs;
  const torch::Tensor first = at::randint(n, {count}, rng.generator(), at::kLong);
  const torch::Tensor apart = at::randint(1, n, {count}, rng.generator(), at::kLong);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t a = first.const_data_ptr<int64_t>()[i], b = (a + apart.const_data_ptr<int64_t>()[i]) % n;
    pairs.emplace_back(different[a], different[b]);
  }
  return pairs;
}

}  // namespace

Json measure_interpolation(Evaluation& evaluation, Rng& rng) {
  const PathFunction& path = paths().find(evaluation.options.path);
  const auto pairs = random_pairs(evaluation.held_out.texts, evaluation.options.samples, rng);
  if (pairs.empty()) {
    evaluation.skip("interpolation", "fewer than two different held-out texts");
    return nullptr;
  }
  const torch::Tensor& codes = evaluation.codes().mean;
  const torch::Tensor ratios = at::arange(1, kInterior + 1, at::kDouble) / static_cast<double>(kInterior + 1);
  std::vector<torch::Tensor> points;
  for (const auto& [a, b] : pairs) points.push_back(path(codes[a], codes[b], ratios));
  const torch::Tensor inside = at::cat(points);
  const std::vector<std::string> interior = evaluation.decode(inside);

  std::vector<std::string> ends, middles;
  std::vector<torch::Tensor> rows;  // of each path: smoothness, largest step, distinct, monotonic steps, steps
  for (size_t i = 0; i < pairs.size(); ++i) {
    std::vector<std::string> texts(interior.begin() + static_cast<int64_t>(i) * kInterior,
                                   interior.begin() + static_cast<int64_t>(i + 1) * kInterior);
    middles.push_back(texts[kInterior / 2]);
    texts.insert(texts.begin(), evaluation.reconstructions()[pairs[i].first]);
    texts.push_back(evaluation.reconstructions()[pairs[i].second]);
    ends.push_back(texts.front());
    ends.push_back(texts.back());
    const PathShape shape = path_shape(texts);
    rows.push_back(torch::tensor({shape.smoothness, shape.largest_step, static_cast<double>(shape.distinct),
                                  static_cast<double>(shape.monotonic_steps), static_cast<double>(shape.steps)},
                                 at::kDouble));
  }
  Json result = Json::object();
  add_valid_share(result, evaluation, "valid", interior, kInterior);  // a path is the unit: its outputs are alike
  add_valid_share(result, evaluation, "midpoint_valid", middles);
  add_valid_share(result, evaluation, "endpoint_valid", ends, /*unit=*/2);
  if (const auto searched = evaluation.searched(inside, interior)) {
    std::vector<std::string> searched_middles;
    for (size_t i = kInterior / 2; i < searched->size(); i += kInterior) searched_middles.push_back((*searched)[i]);
    add_valid_share(result, evaluation, "searched_valid", *searched, kInterior);
    add_valid_share(result, evaluation, "searched_midpoint_valid", searched_middles);
  }
  const auto n = static_cast<double>(pairs.size());
  const torch::Tensor paths = at::stack(rows);
  const std::vector<std::pair<std::string, StatisticOfSums>> figures = {
      {"distinct", [n](const torch::Tensor& sums) { return sums[2].item<double>() / (n * kInterior); }},
      {"distinct_per_path", [n](const torch::Tensor& sums) { return sums[2].item<double>() / n; }},
      {"smoothness", [n](const torch::Tensor& sums) { return sums[0].item<double>() / n; }},
      {"largest_step", [n](const torch::Tensor& sums) { return sums[1].item<double>() / n; }},
      {"monotonic", [](const torch::Tensor& sums) {
         return sums[3].item<double>() / std::max(1.0, sums[4].item<double>());  // 0 where nothing ever changes
       }}};
  for (const auto& [name, figure] : figures) add_figure(result, name, paths, figure);
  result.update({{"path", evaluation.options.path}, {"n", pairs.size()}});
  return result;
}

namespace {

const Register<EvaluationSection> registered(
    evaluation_sections(),
    {"interpolation",
     "Paths between the codes of random pairs of held-out sequences, decoded at the ratios 0.1 … 0.9.",
     {measure_interpolation,
      {
          {"valid", "share of the outputs between the ends that pass the data's check"},
          {"midpoint_valid", "valid at ratio 0.5 alone, farthest from both ends"},
          {"searched_valid", "valid with decode-time search: the figure above is the plain one"},
          {"searched_midpoint_valid", "the same at ratio 0.5"},
          {"endpoint_valid", "valid at the two ends: what reconstruction alone costs"},
          {"distinct", "different outputs between the ends, as a share of the nine"},
          {"distinct_per_path", "different outputs between the ends"},
          {"smoothness",
           "distance of the ends / sum of the steps, in normalised edit distance: 1 = no detour. One jump fools it, so "
           "read "
           "it with distinct and the largest step"},
          {"largest_step", "the largest step of a path, as normalised edit distance; the mean over paths"},
          {"monotonic", "share of the steps that lead away from the start and toward the end"},
          {"path", "the kind of path"},
      }},
     /*order=*/1});

}  // namespace

}  // namespace tvae
