// The protocol of measurements, section by section. A section is one function in a file of its own; it takes what it
// needs from an Evaluation, which computes codes and reconstructions once.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tvae/eval/decoded.h"
#include "tvae/eval/held_out.h"
#include "tvae/latent/codec.h"
#include "tvae/latent/prior.h"
#include "tvae/latent/search.h"
#include "tvae/validity/validity.h"

namespace tvae {

struct EvaluationOptions {
  std::vector<std::string> only;  // sections; empty = all
  int64_t samples = 1000;         // sequences, pairs and draws
  uint64_t seed = 42;
  std::string path = "slerp";        // of interpolation
  SearchOptions search;              // with candidates, validity is also measured with decode-time search
  bool constrain = false;            // outputs keep the brackets and strings of the model's check
  double prior_scale = 1.0;          // other than 1: samples are also measured with the prior's deviations times this
  int64_t importance_samples = 100;  // draws a sequence for perplexity
  /// For novelty: the training texts; nullptr and why where there are none.
  std::shared_ptr<const TextSet> training_texts;
  std::string no_training_texts;
  /// For fluency: some of them, in random order; empty where there are none.
  std::vector<std::string> training_sample;
  /// For probes: labelled training texts; empty where there are none.
  LabelledTexts labelled_training_texts;
};

class Evaluation {
 public:
  /// `model` and `progress` must outlive it. Throws ConfigError where outputs cannot be constrained as asked.
  Evaluation(const Model& model, HeldOut held_out, EvaluationOptions options, Progress& progress = Progress::none());

  const Model& model;
  const HeldOut held_out;
  const EvaluationOptions options;
  Progress& progress;

  EncodedTexts encode(const std::vector<std::string>& texts) const { return encode_texts(model, texts, progress); }
  /// Greedy outputs of codes [N, K, D], and as texts; constrained where that was asked for.
  std::vector<Generated> generate(const torch::Tensor& codes) const;
  std::vector<std::string> decode(const torch::Tensor& codes) const { return texts_of(model, generate(codes)); }

  /// Posteriors of the held-out texts.
  const EncodedTexts& codes();
  /// Outputs from their means, and as texts.
  const std::vector<Generated>& outputs();
  const std::vector<std::string>& reconstructions();
  /// Outputs on paths, and of draws.
  const DecodedPaths& between();
  const std::vector<DecodedDraws>& draws();
  /// Of a stream, teacher-forced, from the codes [B, K, D] of its sequences. Throws CheckpointError where it is not
  /// finite.
  CrossEntropy cross_entropy(const TokenStream& stream, const torch::Tensor& codes) const;

  /// The model's fitted prior; nullptr, and no_fitted_prior says why, where it has none or one of other weights.
  const SavedPrior* fitted_prior();
  std::string no_fitted_prior() const;

  /// Which texts pass the data's own check; nullopt when it has none. Every different text is checked once.
  std::optional<std::vector<bool>> valid(const std::vector<std::string>& texts);
  /// The outputs of codes after decode-time search, given the plain ones; nullopt where none was asked for.
  std::optional<std::vector<std::string>> searched(const torch::Tensor& codes, const std::vector<std::string>& plain);
  /// The same for codes of texts: what is searched for is the text that has the code, valid or not.
  std::optional<std::vector<std::string>> searched_reconstructions();
  std::string check_name() const;

  /// Notes that a section, or a key of one ("prior.fitted"), does not apply.
  void skip(const std::string& what, const std::string& reason) { skipped_[what] = reason; }
  /// Whether the section was named, not only measured among all.
  bool asked_for(const std::string& section) const;
  const nlohmann::ordered_json& skipped() const { return skipped_; }

 private:
  OutputConstraintFactory constraint_;
  std::optional<EncodedTexts> codes_;
  std::optional<std::optional<SavedPrior>> fitted_prior_;  // the outer one: whether it was looked for
  std::optional<std::vector<Generated>> outputs_;
  std::optional<std::vector<std::string>> reconstructions_;
  std::optional<DecodedPaths> between_;
  std::optional<std::vector<DecodedDraws>> draws_;
  std::unique_ptr<ValidityCheck> check_;
  std::unordered_map<std::string, bool> checked_;
  nlohmann::ordered_json skipped_ = nlohmann::ordered_json::object();
};

/// Adds "key", the share of valid texts, and its interval, "key_95"; or notes that there is no check. `unit` texts that
/// follow one another are resampled together.
void add_valid_share(nlohmann::ordered_json& result, Evaluation& evaluation, const std::string& key,
                     const std::vector<std::string>& texts, size_t unit = 1);

/// Returns the section's keys with "n" among them (docs/evaluation.md), or null after Evaluation::skip. `rng` depends
/// on the seed and the section alone.
using SectionFunction = nlohmann::ordered_json (*)(Evaluation& evaluation, Rng& rng);

struct EvaluationSection {
  SectionFunction measure;
  /// What its figures mean, a line each, by key; of figures inside others the innermost key.
  std::map<std::string, std::string> meanings;
};
/// In the order of the report; the help of a section says what it measures, for the report's page. Each registers
/// itself in a file NAME_section.cpp.
Registry<EvaluationSection>& evaluation_sections();
/// What a section measures, or what a figure of it means; "" for one that is not described.
std::string figure_meaning(const std::string& section, const std::string& figure = "");
/// Throws ConfigError for a section that does not exist.
void check_section_names(const std::vector<std::string>& names);

nlohmann::ordered_json measure_reconstruction(Evaluation& evaluation, Rng& rng);
nlohmann::ordered_json measure_interpolation(Evaluation& evaluation, Rng& rng);
nlohmann::ordered_json measure_prior(Evaluation& evaluation, Rng& rng);
nlohmann::ordered_json measure_fluency(Evaluation& evaluation, Rng& rng);
nlohmann::ordered_json measure_shape(Evaluation& evaluation, Rng& rng);
nlohmann::ordered_json measure_probe(Evaluation& evaluation, Rng& rng);
/// Throws where a probe was asked for by name and labels are missing, too few, all the same or all different.
void require_labels(const Evaluation& evaluation);

/// Skipped for deterministic codes.
nlohmann::ordered_json measure_language_model(Evaluation& evaluation, Rng& rng);

/// Why a section is in "skipped" that was not among those to measure.
inline const std::string kNotAskedFor = "not asked for";

/// The report: the sections asked for, "skipped", and what was measured.
nlohmann::ordered_json run_protocol(Evaluation& evaluation);

/// Reports side by side, a column each, as lines of a table for people; "-" where one lacks a figure. Of one report the
/// lines have at most 80 characters.
std::vector<std::string> report_table(const std::vector<nlohmann::ordered_json>& reports);

}  // namespace tvae
