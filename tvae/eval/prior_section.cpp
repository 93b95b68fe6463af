// Evaluation.md 3: texts decoded from draws of N(0, I) and of the fitted prior.
#include <set>

#include "tvae/eval/protocol.h"
#include "tvae/eval/text_statistics.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

Json measure_samples(Evaluation& evaluation, const Prior& prior, Rng& rng) {
  const int64_t n = evaluation.options.samples;
  const std::vector<Generated> outputs = generate_from(evaluation.model, prior.sample(n, rng));
  const std::vector<std::string> texts = texts_of(evaluation.model, outputs);
  const std::set<std::string> different(texts.begin(), texts.end());
  Json result = Json::object();
  add_valid_share(result, evaluation, "valid", texts);
  result["unique"] = static_cast<double>(different.size()) / static_cast<double>(n);
  if (const auto& training = evaluation.options.training_texts) {
    int64_t novel = 0;
    for (const std::string& text : different) novel += !training->contains(text);
    result["novel"] = static_cast<double>(novel) / static_cast<double>(different.size());
  } else {
    evaluation.skip("prior.novel", evaluation.options.no_training_texts);
  }
  std::vector<double> lengths, held_out_lengths;
  for (const Generated& output : outputs) lengths.push_back(static_cast<double>(output.ids.size()));
  for (const auto& ids : evaluation.held_out.ids) held_out_lengths.push_back(static_cast<double>(ids.size() - 1));
  result["length_distance"] = wasserstein_distance(std::move(lengths), std::move(held_out_lengths));
  result["ngram_js"] = ngram_divergence(texts, evaluation.held_out.texts);
  return result;
}

}  // namespace

/// unique: different texts a sample; novel: share of the different texts that are not training texts; length_distance
/// in tokens.
Json measure_prior(Evaluation& evaluation, Rng& rng) {
  const ModelConfig& config = evaluation.model.vae.config();
  Json result = Json::object();
  result["normal"] = measure_samples(evaluation, *make_normal_prior(config.latent_tokens, config.latent_size), rng);
  if (const auto fitted = load_prior(evaluation.model)) {
    result["fitted"] = measure_samples(evaluation, *fitted->prior, rng);
    result["fitted"]["kind"] = fitted->kind;
    result["fitted"]["log_density"] = fitted->prior->log_density(evaluation.codes().mean).mean().item<double>();
  } else {
    evaluation.skip("prior.fitted", "the model has no fitted prior (tvae prior fit makes one)");
  }
  result["n"] = evaluation.options.samples;
  return result;
}

}  // namespace tvae
