// Texts decoded from draws of N(0, I) and of the fitted prior.
#include <set>

#include "tvae/eval/bootstrap.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/text_statistics.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

/// "valid", "unique", "novel" of texts, under names with a prefix.
void add_sample_shares(Json& result, Evaluation& evaluation, const std::string& prefix,
                       const std::vector<std::string>& texts) {
  const std::set<std::string> different(texts.begin(), texts.end());
  add_valid_share(result, evaluation, prefix + "valid", texts);
  result[prefix + "unique"] = static_cast<double>(different.size()) / static_cast<double>(texts.size());
  if (const auto& training = evaluation.options.training_texts) {
    std::vector<double> novel;
    for (const std::string& text : different) novel.push_back(!training->contains(text));
    add_share(result, prefix + "novel", novel);
  } else {
    evaluation.skip("prior.novel", evaluation.options.no_training_texts);
  }
}

Json measure_samples(Evaluation& evaluation, const DecodedDraws& draws) {
  const std::vector<std::string>& texts = draws.texts;
  Json result = Json::object();
  add_sample_shares(result, evaluation, "", texts);
  std::vector<double> lengths, held_out_lengths;
  for (const Generated& output : draws.outputs) lengths.push_back(static_cast<double>(output.ids.size()));
  for (const auto& ids : evaluation.held_out.ids) held_out_lengths.push_back(static_cast<double>(ids.size() - 1));
  result["length_distance"] = wasserstein_distance(std::move(lengths), std::move(held_out_lengths));
  result["ngram_js"] = ngram_divergence(texts, evaluation.held_out.texts);
  if (const auto searched = evaluation.searched(draws.codes, texts))
    add_sample_shares(result, evaluation, "searched_", *searched);
  return result;
}

}  // namespace

/// unique: different texts a sample; novel: share of the different texts that are not training texts; length_distance
/// in tokens. scaled: the fitted prior, else N(0, I), with its deviations times `scale`.
Json measure_prior(Evaluation& evaluation, Rng&) {
  Json result = Json::object();
  const SavedPrior* fitted = evaluation.fitted_prior();
  for (const DecodedDraws& draws : evaluation.draws()) {
    Json& figures = result[draws.prior] = measure_samples(evaluation, draws);
    if (draws.prior == "fitted") {
      figures.update({{"kind", fitted->kind}, {"fit_on", fitted->fit_on}});
      add_mean(figures, "log_density", draws.held_out_log_density);
    } else if (draws.prior == "scaled") {
      figures.update({{"kind", fitted ? fitted->kind : "normal"}, {"scale", evaluation.options.prior_scale}});
    }
  }
  if (!fitted) evaluation.skip("prior.fitted", evaluation.no_fitted_prior());
  result["n"] = evaluation.options.samples;
  return result;
}

namespace {

const Register<EvaluationSection> registered(
    evaluation_sections(),
    {"prior",
     "Codes are drawn, not encoded, and decoded greedily: from N(0, I), from the prior fitted to the data, and, "
     "scaled, from "
     "that with other deviations.",
     {measure_prior,
      {
          {"valid", "share of the samples that pass the data's check"},
          {"unique", "different texts a sample"},
          {"novel", "share of the different texts that are not training texts"},
          {"searched_valid", "valid with decode-time search: the figure above is the plain one"},
          {"searched_unique", "unique with decode-time search"},
          {"searched_novel", "novel with decode-time search"},
          {"length_distance",
           "1-D Wasserstein distance between the lengths of samples and of held-out sequences, in tokens"},
          {"ngram_js",
           "Jensen-Shannon divergence of character 1- to 3-grams from held-out text, in bits; 0 = the same"},
          {"kind", "the kind of prior"},
          {"fit_on", "what of the posteriors it was fitted to"},
          {"scale",
           "what the prior's deviations were multiplied by: below 1 samples are more typical, and less varied"},
          {"log_density", "mean log density of held-out codes under the fitted prior, in nats"},
      }},
     /*order=*/2});

}  // namespace

}  // namespace tvae
