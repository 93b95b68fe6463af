#include "tvae/eval/decoded.h"

#include <unordered_set>

#include "tvae/eval/protocol.h"
#include "tvae/latent/paths.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

/// Index pairs of different texts.
std::vector<std::pair<int64_t, int64_t>> random_pairs(const std::vector<std::string>& texts, int64_t count, Rng& rng) {
  std::vector<int64_t> different;
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < texts.size(); ++i)
    if (seen.insert(texts[i]).second) different.push_back(static_cast<int64_t>(i));
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

DecodedDraws decode(const Evaluation& evaluation, const std::string& prior, torch::Tensor codes) {
  DecodedDraws draws{.prior = prior, .codes = std::move(codes)};
  draws.outputs = evaluation.generate(draws.codes);
  draws.texts = texts_of(evaluation.model, draws.outputs);
  return draws;
}

}  // namespace

DecodedPaths decode_paths(Evaluation& evaluation, Rng& rng) {
  const PathFunction& path = paths().find(evaluation.options.path);
  DecodedPaths decoded{.pairs = random_pairs(evaluation.held_out.texts, evaluation.options.samples, rng)};
  if (decoded.pairs.empty()) return decoded;
  const torch::Tensor& ends = evaluation.codes().mean;
  constexpr int64_t kInterior = DecodedPaths::kInterior;
  const torch::Tensor ratios = at::arange(1, kInterior + 1, at::kDouble) / static_cast<double>(kInterior + 1);
  std::vector<torch::Tensor> points;
  for (const auto& [a, b] : decoded.pairs) points.push_back(path(ends[a], ends[b], ratios));
  decoded.codes = at::cat(points);
  decoded.texts = evaluation.decode(decoded.codes);
  return decoded;
}

std::vector<DecodedDraws> decode_draws(Evaluation& evaluation, Rng& rng) {
  const ModelConfig& config = evaluation.model.vae.config();
  const int64_t samples = evaluation.options.samples;
  const auto normal = make_normal_prior(config.latent_tokens, config.latent_size);
  const SavedPrior* fitted = evaluation.fitted_prior();
  std::vector<DecodedDraws> all;
  all.push_back(decode(evaluation, "normal", normal->sample(samples, rng)));
  if (fitted) {
    all.push_back(decode(evaluation, "fitted", fitted->prior->sample(samples, rng)));
    const EncodedTexts& codes = evaluation.codes();
    all.back().held_out_log_density =
        fitted->prior->log_density(fitted->fit_on == kFitOnSamples ? codes.posterior().sample(rng) : codes.mean);
  }
  if (const double scale = evaluation.options.prior_scale; scale != 1.0)
    all.push_back(decode(evaluation, "scaled", (fitted ? *fitted->prior : *normal).sample(samples, rng, scale)));
  return all;
}

}  // namespace tvae
