// Paths between random pairs of held-out texts, at ratios 0.1 … 0.9 and their ends.
#include <algorithm>

#include "tvae/eval/bootstrap.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/text_statistics.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kInterior = DecodedPaths::kInterior;

}  // namespace

Json measure_interpolation(Evaluation& evaluation, Rng&) {
  const auto& [pairs, inside, interior] = evaluation.between();
  if (pairs.empty()) {
    evaluation.skip("interpolation", "fewer than two different held-out texts");
    return nullptr;
  }
  std::vector<std::string> ends, middles;
  const auto valid = evaluation.valid(interior);
  // Of each path: smoothness, largest step, distinct, monotonic steps, steps, new outputs, valid ones of these.
  std::vector<torch::Tensor> rows;
  for (size_t i = 0; i < pairs.size(); ++i) {
    std::vector<std::string> texts(interior.begin() + static_cast<int64_t>(i) * kInterior,
                                   interior.begin() + static_cast<int64_t>(i + 1) * kInterior);
    middles.push_back(texts[kInterior / 2]);
    texts.insert(texts.begin(), evaluation.reconstructions()[pairs[i].first]);
    texts.push_back(evaluation.reconstructions()[pairs[i].second]);
    ends.push_back(texts.front());
    ends.push_back(texts.back());
    const PathShape shape = path_shape(texts);
    double fresh = 0, valid_fresh = 0;
    for (size_t k = 1; k <= kInterior; ++k) {
      if (texts[k] == texts.front() || texts[k] == texts.back()) continue;
      ++fresh;
      valid_fresh += valid && (*valid)[i * kInterior + k - 1];
    }
    rows.push_back(torch::tensor(
        {shape.smoothness, shape.largest_step, static_cast<double>(shape.distinct),
         static_cast<double>(shape.monotonic_steps), static_cast<double>(shape.steps), fresh, valid_fresh},
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
  std::vector<std::pair<std::string, StatisticOfSums>> figures = {
      {"new", [n](const torch::Tensor& sums) { return sums[5].item<double>() / (n * kInterior); }},
      {"distinct", [n](const torch::Tensor& sums) { return sums[2].item<double>() / (n * kInterior); }},
      {"distinct_per_path", [n](const torch::Tensor& sums) { return sums[2].item<double>() / n; }},
      {"smoothness", [n](const torch::Tensor& sums) { return sums[0].item<double>() / n; }},
      {"largest_step", [n](const torch::Tensor& sums) { return sums[1].item<double>() / n; }},
      {"monotonic", [](const torch::Tensor& sums) {
         return sums[3].item<double>() / std::max(1.0, sums[4].item<double>());  // 0 where nothing ever changes
       }}};
  if (valid && paths.select(1, 5).sum().item<double>() > 0)
    figures.insert(figures.begin() + 1, {"new_valid", [](const torch::Tensor& sums) {
                                           return sums[6].item<double>() / std::max(1.0, sums[5].item<double>());
                                         }});
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
          {"new", "share of the outputs that are neither of their path's ends"},
          {"new_valid", "share of these that pass the data's check"},
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
