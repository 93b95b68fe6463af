// The model as a language model, by draws from its posteriors.
#include <cmath>

#include "tvae/base/strings.h"
#include "tvae/eval/bootstrap.h"
#include "tvae/eval/code_statistics.h"
#include "tvae/eval/language_statistics.h"
#include "tvae/eval/protocol.h"
#include "tvae/latent/prior.h"
#include "tvae/ops/side_by_side.h"

namespace tvae {
namespace {

// With the end of the text for one: texts of fewer are no sentences, and may have no blanks at all.
constexpr double kWordsOfAText = 2.2;

using Json = nlohmann::ordered_json;
using torch::Tensor;

constexpr int64_t kSequencesAtOnce = 256, kDrawsAtOnce = 64;
constexpr int64_t kMostParts = 8;  // each has the states and logits of as many sequences

/// Draws from the posteriors of N sequences.
struct Draws {
  Tensor log_likelihood;       // [N, k] log p(x|z), summed over tokens
  Tensor log_posterior;        // [N, k] log q(z|x)
  std::vector<Tensor> priors;  // of each prior: [N, k] log p(z)
  Tensor codes;                // [N, d] the first draw
};

Draws draw(Evaluation& evaluation, const std::vector<const Prior*>& priors, Rng& rng) {
  const torch::NoGradGuard no_grad;
  const Posterior posterior = evaluation.codes().posterior();
  const auto& all = evaluation.held_out.ids;
  const int64_t n = posterior.mode().size(0), k = evaluation.options.importance_samples;
  Draws draws{at::empty({n, k}, at::kDouble), at::empty({n, k}, at::kDouble), {}, {}};
  for (size_t i = 0; i < priors.size(); ++i) draws.priors.push_back(at::empty({n, k}, at::kDouble));
  std::vector<Tensor> codes;
  for (int64_t start = 0; start < n; start += kSequencesAtOnce) {
    const int64_t count = std::min(n - start, kSequencesAtOnce);
    const TokenBatch batch = make_token_batch({all.begin() + start, all.begin() + start + count});
    const TokenStream stream = to_stream(batch, evaluation.model.vae.device());
    const Tensor rows = torch::tensor(batch.rows, at::kLong);  // of the stream's sequences
    const Posterior some = posterior.narrow(start, count);
    const auto part = [&](const Tensor& values) { return values.narrow(0, start, count); };
    for (int64_t first = 0; first < k; first += kDrawsAtOnce) {
      std::vector<Tensor> drawn;  // one after the other, whatever the number of threads
      for (int64_t i = first; i < std::min(k, first + kDrawsAtOnce); ++i) drawn.push_back(some.sample(rng));
      if (first == 0) codes.push_back(drawn.front().flatten(1));
      const auto drawn_count = static_cast<int64_t>(drawn.size());
      const int64_t parts = stream.ids.is_cpu() ? std::min({drawn_count, parts_at_once(), kMostParts}) : 1;
      side_by_side(parts, evaluation.progress, [&](int64_t thread, Progress& progress) {
        for (int64_t j = thread; j < drawn_count; j += parts) {
          const int64_t i = first + j;
          progress.update("sampling posteriors", start * k + i * count, n * k);
          const CrossEntropy result = evaluation.cross_entropy(stream, drawn[j].index_select(0, rows));
          part(draws.log_likelihood).select(1, i).index_copy_(0, rows, -sequence_sums(result.token_nats, stream.spans));
          part(draws.log_posterior).select(1, i).copy_(some.log_density(drawn[j]));
          for (size_t p = 0; p < priors.size(); ++p)
            part(draws.priors[p]).select(1, i).copy_(priors[p]->log_density(drawn[j]));
        }
      });
    }
  }
  draws.codes = at::cat(codes);
  return draws;
}

/// Words between spaces, and the end of the sequence.
int64_t count_words(const std::string& text) {
  int64_t words = 1;
  for (const std::string& word : split(text, ' ')) words += !word.empty();
  return words;
}

}  // namespace

Json measure_language_model(Evaluation& evaluation, Rng& rng) {
  const EncodedTexts& posterior = evaluation.codes();
  if (!posterior.log_variance) {
    evaluation.skip("language_model", "the posterior is deterministic: its KL is not finite");
    return nullptr;
  }
  const auto normal = make_normal_prior(posterior.mean.size(1), posterior.mean.size(2));
  const SavedPrior* saved = evaluation.fitted_prior();
  std::vector<const Prior*> priors = {normal.get()};
  if (saved && saved->fit_on == kFitOnSamples) {
    priors.push_back(saved->prior.get());
  } else {
    saved = nullptr;
    evaluation.skip("language_model.fitted", "no prior fitted on samples of the posteriors");
  }
  const Draws draws = draw(evaluation, priors, rng);

  const HeldOut& data = evaluation.held_out;
  std::vector<int64_t> tokens, words;  // of each sequence
  for (const auto& ids : data.ids) tokens.push_back(static_cast<int64_t>(ids.size()));
  for (const std::string& text : data.texts) words.push_back(count_words(text));
  const Tensor counts = at::stack({torch::tensor(tokens, at::kDouble), torch::tensor(words, at::kDouble)}, 1);
  const bool has_words = counts.select(1, 1).sum().item<double>() > kWordsOfAText * static_cast<double>(words.size());
  /// "ppl" a token and "ppl_word", sequences resampled for their intervals.
  const auto perplexities = [&](const Tensor& log_prior) {
    const Tensor nats = -importance_estimate(draws.log_likelihood + log_prior - draws.log_posterior);
    const Tensor rows = at::cat({nats.unsqueeze(1), counts}, 1);
    Json found = Json::object();
    for (const auto& [key, column] : {std::pair<std::string, int64_t>{"ppl", 1}, {"ppl_word", 2}}) {
      if (key == "ppl_word" && !has_words) {
        evaluation.skip("language_model.ppl_word", "most texts are a single word");
        continue;
      }
      add_figure(found, key, rows, [column](const Tensor& sums) {
        return std::exp(sums[0].item<double>() / sums[column].item<double>());
      });
      if (!std::isfinite(found[key + "_95"][1].get<double>())) found.erase(key + "_95");
      if (std::isfinite(found[key].get<double>())) continue;
      evaluation.skip("language_model." + key, "beyond the largest number of 64 bits");
      found.erase(key);
      found.erase(key + "_95");
    }
    return found;
  };
  const Tensor rec = -draws.log_likelihood.mean(1);
  const Tensor kl = posterior.posterior().to(at::kDouble).rate().flatten(1).sum(1);
  Json result = Json::object();
  add_mean(result, "rec", rec);
  add_mean(result, "kl", kl);
  add_mean(result, "elbo", rec + kl);
  result.update(perplexities(draws.priors[0]));
  result["k"] = evaluation.options.importance_samples;
  result["mi"] = mutual_information(draws.codes, posterior.mean.flatten(1), posterior.log_variance->flatten(1));
  result["mi_bound"] = std::log(static_cast<double>(data.texts.size()));
  result["tokens"] = counts.select(1, 0).sum().item<int64_t>();
  result["words"] = counts.select(1, 1).sum().item<int64_t>();
  result["unit"] = "tokens of the model's tokenizer or words between spaces, each with the end of the sequence";
  if (saved) {
    // E_q[log q(z|x) − log p(z)] from the same draws: the KL to a prior without a closed form.
    const Tensor fitted_kl = (draws.log_posterior - draws.priors[1]).mean(1);
    result["fitted"]["kind"] = saved->kind;
    add_mean(result["fitted"], "kl", fitted_kl);
    add_mean(result["fitted"], "elbo", rec + fitted_kl);
    result["fitted"].update(perplexities(draws.priors[1]));
  }
  result["n"] = data.texts.size();
  return result;
}

namespace {

const Register<EvaluationSection> registered(
    evaluation_sections(),
    {"language_model",
     "The model as a language model, from draws of its posterior.",
     {measure_language_model,
      {
          {"rec", "−E log p(x|z), summed over tokens, in nats a sequence"},
          {"kl", "KL from the posterior to the prior, in nats a sequence, without free bits or weight"},
          {"elbo", "the negative evidence lower bound, rec + kl, in nats a sequence"},
          {"ppl",
           "perplexity a token, by importance sampling with k draws. With a high rate it is large, since few codes lie "
           "near a text's own and the draws miss them: it says nothing of how well texts come back"},
          {"ppl_word", "the same a word: comparable between tokenizers"},
          {"k", "draws a sequence"},
          {"mi", "mutual information of sequence and code, in nats"},
          {"mi_bound", "the most that mi can be on this many sequences, their number's logarithm"},
          {"tokens", "tokens of the sequences, their ends included"},
          {"words", "words of the sequences, their ends included"},
          {"unit", "what tokens and words are"},
          {"fitted", "The same with the fitted prior in the place of N(0, I)."},
          {"kind", "the kind of fitted prior"},
      }},
     /*order=*/5});

}  // namespace

}  // namespace tvae
