// Evaluation.md 2: paths between random pairs of held-out texts, at ratios 0.1 … 0.9 and their ends.
#include <algorithm>

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
  const PathFunction& path = find_path(evaluation.options.path);
  const auto pairs = random_pairs(evaluation.held_out.texts, evaluation.options.samples, rng);
  if (pairs.empty()) {
    evaluation.skip("interpolation", "fewer than two different held-out texts");
    return nullptr;
  }
  const torch::Tensor& codes = evaluation.codes().mean;
  const torch::Tensor ratios = at::arange(1, kInterior + 1, at::kDouble) / static_cast<double>(kInterior + 1);
  std::vector<torch::Tensor> points;
  for (const auto& [a, b] : pairs) points.push_back(path(codes[a], codes[b], ratios));
  const std::vector<std::string> interior = decode_codes(evaluation.model, at::cat(points));

  std::vector<std::string> ends, middles;
  double smoothness = 0.0, largest_step = 0.0;
  int64_t distinct = 0, steps = 0, monotonic = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    std::vector<std::string> texts(interior.begin() + static_cast<int64_t>(i) * kInterior,
                                   interior.begin() + static_cast<int64_t>(i + 1) * kInterior);
    middles.push_back(texts[kInterior / 2]);
    texts.insert(texts.begin(), evaluation.reconstructions()[pairs[i].first]);
    texts.push_back(evaluation.reconstructions()[pairs[i].second]);
    ends.push_back(texts.front());
    ends.push_back(texts.back());
    const PathShape shape = path_shape(texts);
    smoothness += shape.smoothness;
    largest_step += shape.largest_step;
    distinct += shape.distinct;
    steps += shape.steps;
    monotonic += shape.monotonic_steps;
  }
  Json result = Json::object();
  add_valid_share(result, evaluation, "valid", interior);
  add_valid_share(result, evaluation, "midpoint_valid", middles);
  add_valid_share(result, evaluation, "endpoint_valid", ends);
  const auto n = static_cast<double>(pairs.size());
  result.update({{"distinct", static_cast<double>(distinct) / (n * kInterior)},
                 {"distinct_per_path", static_cast<double>(distinct) / n},
                 {"smoothness", smoothness / n},
                 {"largest_step", largest_step / n},
                 {"monotonic", steps == 0 ? 0.0 : static_cast<double>(monotonic) / static_cast<double>(steps)},
                 {"path", evaluation.options.path},
                 {"n", pairs.size()}});
  return result;
}

}  // namespace tvae
