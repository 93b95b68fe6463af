#include "tvae/eval/figure_meanings.h"

#include <map>

namespace tvae {
namespace {

/// "section" or "section.figure" → meaning. A figure that a section gains is to be added here.
const std::map<std::string, std::string>& meanings() {
  static const std::map<std::string, std::string> all = {
      {"reconstruction", "Held-out sequences go through their mean code and are decoded greedily, running freely."},
      {"reconstruction.exact_match", "share of sequences that come back unchanged"},
      {"reconstruction.exact_match_short", "exact match among sequences of at most 15 tokens"},
      {"reconstruction.exact_match_long", "exact match among longer ones"},
      {"reconstruction.searched_exact_match", "exact match with decode-time search: the figure above is the plain one"},
      {"reconstruction.searched_exact_match_short", "the same among sequences of at most 15 tokens"},
      {"reconstruction.searched_exact_match_long", "the same among longer ones"},
      {"reconstruction.token_accuracy", "1 − edit distance / longer length, in tokens; the mean over sequences"},
      {"reconstruction.edit_similarity", "1 − edit distance / longer length, in characters"},
      {"reconstruction.bleu", "BLEU-4 of the whole set, as sacrebleu defines it, on a scale of 0 to 1"},
      {"reconstruction.teacher_forced_accuracy",
       "share of tokens predicted when all earlier ones are given: far easier than running freely"},
      {"reconstruction.teacher_forced_nats", "cross-entropy a token, in nats, under the same help"},
      {"reconstruction.untokenizable", "sequences left out because the tokenizer does not give them back"},

      {"reconstruction.images", "Where texts are images: how alike they and what came back are."},
      {"reconstruction.n", "sequences that are images"},
      {"reconstruction.readable", "share of them whose output is an image of as many rows"},
      {"reconstruction.grey_error",
       "mean difference of grey values over the readable ones' pixels; 1 = black for white"},
      {"reconstruction.equal_pixels", "share of their pixels that are the same"},

      {"interpolation",
       "Paths between the codes of random pairs of held-out sequences, decoded at the ratios 0.1 … 0.9."},
      {"interpolation.valid", "share of the outputs between the ends that pass the data's check"},
      {"interpolation.midpoint_valid", "valid at ratio 0.5 alone, farthest from both ends"},
      {"interpolation.searched_valid", "valid with decode-time search: the figure above is the plain one"},
      {"interpolation.searched_midpoint_valid", "the same at ratio 0.5"},
      {"interpolation.endpoint_valid", "valid at the two ends: what reconstruction alone costs"},
      {"interpolation.distinct", "different outputs between the ends, as a share of the nine"},
      {"interpolation.distinct_per_path", "different outputs between the ends"},
      {"interpolation.smoothness",
       "distance of the ends / sum of the steps, in normalised edit distance: 1 = no detour. One jump fools it, so "
       "read "
       "it with distinct and the largest step"},
      {"interpolation.largest_step", "the largest step of a path, as normalised edit distance; the mean over paths"},
      {"interpolation.monotonic", "share of the steps that lead away from the start and toward the end"},
      {"interpolation.path", "the kind of path"},

      {"prior",
       "Codes are drawn, not encoded, and decoded greedily: from N(0, I), from the prior fitted to the data, and, "
       "scaled, from "
       "that with other deviations."},
      {"prior.valid", "share of the samples that pass the data's check"},
      {"prior.unique", "different texts a sample"},
      {"prior.novel", "share of the different texts that are not training texts"},
      {"prior.searched_valid", "valid with decode-time search: the figure above is the plain one"},
      {"prior.searched_unique", "unique with decode-time search"},
      {"prior.searched_novel", "novel with decode-time search"},
      {"prior.length_distance",
       "1-D Wasserstein distance between the lengths of samples and of held-out sequences, in tokens"},
      {"prior.ngram_js",
       "Jensen-Shannon divergence of character 1- to 3-grams from held-out text, in bits; 0 = the same"},
      {"prior.kind", "the kind of prior"},
      {"prior.fit_on", "what of the posteriors it was fitted to"},
      {"prior.scale",
       "what the prior's deviations were multiplied by: below 1 samples are more typical, and less varied"},
      {"prior.log_density", "mean log density of held-out codes under the fitted prior, in nats"},

      {"shape", "How the codes of held-out sequences lie in the latent space."},
      {"shape.active_units", "dimensions whose variance over the data is above 0.01"},
      {"shape.latent_dims", "dimensions of the code"},
      {"shape.mmd2", "MMD² between the mean codes and N(0, I), multiquadric kernel; 0 = the same distribution"},
      {"shape.mmd2_standardised", "MMD² of the mean codes once every dimension has mean 0 and variance 1"},
      {"shape.mmd2_sampled", "MMD² of codes drawn from their posteriors"},
      {"shape.mmd2_noise_floor", "what MMD² is for draws from N(0, I) itself"},
      {"shape.effective_rank", "exp of the entropy of the covariance's eigenvalues: dimensions that are really used"},
      {"shape.posterior_std", "mean standard deviation of the posterior"},
      {"shape.rate_nats", "KL from the posterior to N(0, I), in nats a sequence"},
      {"shape.hole_curve_unit", "what a radius of 1 is in the hole curve"},
      {"shape.hole_curve", "What becomes of outputs when noise of a given radius is added to their codes."},
      {"shape.radius", "noise, in units of the posterior's standard deviation where it has one"},
      {"shape.valid", "share of the outputs that pass the data's check"},
      {"shape.unchanged", "share of the outputs that are as without noise"},
      {"shape.cycle_cosine", "cosine between a code and the code of what it decodes to"},
      {"shape.cycle_l2", "distance between a code and the code of what it decodes to"},
      {"shape.dimensions", "Moments of each dimension over the data: the least, the median and the largest."},
      {"shape.mean", "0 under N(0, I)"},
      {"shape.std", "1 under N(0, I), for sampled codes"},
      {"shape.skew", "0 for a Gaussian"},
      {"shape.kurtosis", "3 for a Gaussian; 1 where codes sit at two extremes"},

      {"probe", "Labels read from frozen codes by linear classifiers, beside baselines that read the same texts."},
      {"probe.trained_on", "where the labelled texts to train on came from"},
      {"probe.train_rows", "texts trained on"},
      {"probe.test_rows", "texts tested on"},
      {"probe.classes", "different labels"},
      {"probe.majority", "accuracy of always answering with the commonest label"},
      {"probe.accuracies", "how to read the tables below"},
      {"probe.codes", "Accuracy from mean codes."},
      {"probe.encoder_states", "Accuracy from the mean of the encoder's states: what the code could know."},
      {"probe.tfidf", "Accuracy from TF-IDF weights of words: no model at all."},
      {"probe.1", "with one label a class to train on"},
      {"probe.10", "with 10 labels a class"},
      {"probe.100", "with 100 labels a class"},
      {"probe.1000", "with 1,000 labels a class"},
      {"probe.all", "with all of them"},
      {"probe.published",
       "The probe of Transformer-VAE (2021): an SVM with an RBF kernel on codes, 70 % to train and 30 % to test."},
      {"probe.accuracy", "its accuracy"},
      {"probe.random_accuracy", "that of answers drawn from all labels alike"},

      {"language_model", "The model as a language model, from draws of its posterior."},
      {"language_model.rec", "−E log p(x|z), summed over tokens, in nats a sequence"},
      {"language_model.kl", "KL from the posterior to the prior, in nats a sequence, without free bits or weight"},
      {"language_model.elbo", "the negative evidence lower bound, rec + kl, in nats a sequence"},
      {"language_model.ppl", "perplexity a token, by importance sampling with k draws"},
      {"language_model.ppl_word", "the same a word: comparable between tokenizers"},
      {"language_model.k", "draws a sequence"},
      {"language_model.mi", "mutual information of sequence and code, in nats"},
      {"language_model.mi_bound", "the most that mi can be on this many sequences, their number's logarithm"},
      {"language_model.tokens", "tokens of the sequences, their ends included"},
      {"language_model.words", "words of the sequences, their ends included"},
      {"language_model.unit", "what tokens and words are"},
      {"language_model.fitted", "The same with the fitted prior in the place of N(0, I)."},
      {"language_model.kind", "the kind of fitted prior"},
  };
  return all;
}

}  // namespace

std::string figure_meaning(const std::string& section, const std::string& figure) {
  if (figure.ends_with("_95")) return "the middle 95 % of that figure over bootstrap samples";
  const auto found = meanings().find(figure.empty() ? section : section + "." + figure);
  return found == meanings().end() ? "" : found->second;
}

}  // namespace tvae
