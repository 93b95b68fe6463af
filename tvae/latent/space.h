// The front door: a loaded model and what can be done with it. A front end calls nothing else for texts, codes and what
// lies between them; tvae/eval/evaluate.h measures a model, tvae/train/train.h trains one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/data/reader.h"
#include "tvae/latent/codec.h"
#include "tvae/latent/directions.h"
#include "tvae/latent/linear_property.h"
#include "tvae/latent/neighbors.h"
#include "tvae/latent/optimize.h"
#include "tvae/latent/prior.h"
#include "tvae/latent/search.h"
#include "tvae/validity/validity.h"

namespace tvae {

/// How codes become texts. Codes are decoded greedily unless `sample`.
struct DecodeOptions {
  bool constrain = false;  // never close a bracket that is not open, nor end while a bracket or string is
  bool judge = false;      // say of each output whether it passes the model's check
  /// Decode-time search (latent/search.h): of so many outputs a code the valid one nearest to it, or, of a
  /// reconstruction, the nearest; 1 = none. Not with `sample`.
  int64_t candidates = 1;
  double search_radius = 1.0;  // of the further candidates' codes, in posterior standard deviations
  bool sample = false;         // draw tokens instead of taking the likeliest
  double temperature = 1.0;
  int64_t top_k = 0;   // 0 = all
  double top_p = 1.0;  // 1 = all
  uint64_t seed = 42;  // of search and of drawn tokens
};

struct Decoded {
  std::string text;
  std::vector<float> probability;  // of each token, the end of the text last where it came; empty for a searched text
  std::optional<bool> valid;       // with DecodeOptions::judge, where the model has a check
  bool searched = false;           // found by decode-time search, not the plain output of the code
};

struct Reconstruction {
  std::string text;  // what was encoded
  Decoded output;
  bool exact = false;
};

struct PathOptions {
  std::string path = "slerp";  // paths()
  int64_t steps = 11;          // ends included
  DecodeOptions decode = {};
};
struct PathPoint {
  double ratio = 0.0;  // 0 at the first end, 1 at the last
  Decoded output;
};

struct SampleOptions {
  int64_t count = 20;
  std::string prior = {};                // "fitted", "normal"; empty = fitted where there is one
  double prior_scale = 1.0;              // multiplies the prior's deviations: below 1, more typical texts
  std::optional<std::string> near = {};  // draw around this text instead
  torch::Tensor near_code = {};          // or around this code [K, D], with the posterior of the text that is there
  double radius = 1.0;                   // of that, in posterior standard deviations; 1 where there are none
  DecodeOptions decode = {};             // its seed draws the codes too
};

/// A text moved along a direction.
struct MovedText {
  size_t source = 0;  // which of the given codes
  double strength = 0.0;
  double logit = 0.0;  // of being one of the direction's positive texts
  Decoded output;
};

struct PriorRequest {
  std::string kind = "gaussian";  // prior_kinds()
  std::string fit_on = "means";   // kFitOnMeans, or kFitOnSamples of the posteriors
  int64_t texts = 20000;          // used, drawn at random where there are more; 0 = all
  PriorFitOptions fit = {};       // its seed also draws the texts and the samples
};

/// A text on the way uphill.
struct OptimizedText {
  int64_t step = 0;
  double objective = 0.0;     // never falls
  double value = 0.0;         // of the property, or the logit of the direction
  double unlikeliness = 0.0;  // deviations by which the code's log density lies below that of typical draws
  Decoded output;
  torch::Tensor code;  // [K, D]
};
struct OptimizedTexts {
  std::vector<OptimizedText> texts;  // each different one once, the reconstruction of the start first
  double first_value = 0.0, last_value = 0.0;
  int64_t steps = 0;  // gone
};

/// Where codes lie under the prior: the fitted one, else N(0, I).
struct Likelihood {
  torch::Tensor log_density;   // [N] fp64, in nats
  torch::Tensor unlikeliness;  // [N] fp64: deviations by which that lies below typical draws; 0 where it does not
};

/// The different texts of a corpus with their codes, for nearest texts.
class TextIndex {
 public:
  using Method = CodeSearch::Method;
  using Neighbor = CodeSearch::Neighbor;

  TextIndex(std::vector<std::string> texts, std::vector<int64_t> rows, torch::Tensor codes, Metric metric)
      : texts_(std::move(texts)), rows_(std::move(rows)), search_(std::move(codes), metric) {}

  const std::vector<std::string>& texts() const { return texts_; }
  /// Where each text came first in the corpus, counted from 0.
  const std::vector<int64_t>& rows() const { return rows_; }
  const torch::Tensor& codes() const { return search_.codes(); }
  Metric metric() const { return search_.metric(); }

  /// As CodeSearch::query; neighbours are places in texts().
  std::vector<std::vector<Neighbor>> query(const torch::Tensor& codes, int64_t n, Method method = Method::kAuto) const {
    return search_.query(codes, n, method);
  }

 private:
  std::vector<std::string> texts_;
  std::vector<int64_t> rows_;
  CodeSearch search_;
};

/// A loaded model. Every method is const, and one object serves several threads. Codes are [N, K, D] fp32 on the CPU.
/// Long methods tell a Progress how far they are, and stop when it throws. Warnings (texts that were cut, a prior of
/// other weights) go to the log (base/log.h).
class LatentSpace {
 public:
  /// Throws CheckpointError: no such directory, or one that is damaged.
  static LatentSpace open(const std::string& directory, torch::Device device = torch::kCPU);
  explicit LatentSpace(Model model);

  const Model& model() const;
  int64_t latent_tokens() const;  // K
  int64_t latent_size() const;    // D

  /// From now on codes that several threads want decoded at the same time are decoded together, by at most `at_once` of
  /// these threads (shared_generation.h). Call before any other thread uses the object.
  void share_decoding(int64_t at_once);

  // ---- Texts and codes

  /// Posteriors, and which texts were cut to the model's max_tokens.
  EncodedTexts encode(const std::vector<std::string>& texts, Progress& progress = Progress::none()) const;
  std::vector<Decoded> decode(const torch::Tensor& codes, const DecodeOptions& options = {},
                              Progress& progress = Progress::none()) const;
  std::vector<Reconstruction> reconstruct(const std::vector<std::string>& texts, const DecodeOptions& options = {},
                                          Progress& progress = Progress::none()) const;
  /// Whether texts pass the model's check; nullopt where it has none.
  std::optional<std::vector<bool>> judge(const std::vector<std::string>& texts) const;

  // ---- Between texts

  std::vector<PathPoint> interpolate(const std::string& from, const std::string& to, const PathOptions& options = {},
                                     Progress& progress = Progress::none()) const;
  /// The same between codes [K, D].
  std::vector<PathPoint> interpolate(const torch::Tensor& from, const torch::Tensor& to, const PathOptions& options,
                                     Progress& progress = Progress::none()) const;
  /// z(c) + strength (z(b) - z(a)), a text a strength: a is to b as c is to what comes out.
  std::vector<Decoded> analogy(const std::string& a, const std::string& b, const std::string& c,
                               const std::vector<double>& strengths = {1.0}, const DecodeOptions& options = {},
                               Progress& progress = Progress::none()) const;
  /// The weighted mean of the texts' codes, as long as they are on (weighted) average, so that it is as likely as they
  /// are: two texts of equal weights give the midpoint of slerp. Weights are divided by their sum; empty = equal ones.
  /// Throws ConfigError for other numbers of weights, negative ones, or none above 0.
  Decoded mix(const std::vector<std::string>& texts, const std::vector<double>& weights = {},
              const DecodeOptions& options = {}, Progress& progress = Progress::none()) const;

  // ---- New texts

  /// The codes that sample decodes: [count, K, D].
  torch::Tensor draw(const SampleOptions& options, Progress& progress = Progress::none()) const;
  std::vector<Decoded> sample(const SampleOptions& options = {}, Progress& progress = Progress::none()) const;
  /// The same in parts, as they come, without holding all of them.
  void sample(const SampleOptions& options, const std::function<void(const std::vector<Decoded>&)>& take,
              Progress& progress = Progress::none()) const;
  /// A prior fitted to the codes of texts. Throws DataError (too few of them), CheckpointError (a collapsed model).
  PriorFit fit_prior(const std::vector<std::string>& texts, const PriorRequest& request = {},
                     Progress& progress = Progress::none()) const;
  /// Before minutes of work. Throws where save_prior would.
  void require_prior_place() const;
  /// Writes it into the model's directory, whence sample and optimize take it.
  void save_prior(const std::string& kind, const PriorFit& fit) const;
  /// The same for this object alone: nothing is written.
  void use_prior(const std::string& kind, PriorFit fit) const;
  /// The saved one, or the one in use; null where there is none.
  std::shared_ptr<const SavedPrior> fitted_prior() const;
  /// log p of codes under the fitted prior, or N(0, I) where there is none: [N] fp64, in nats.
  torch::Tensor log_density(const torch::Tensor& codes) const;
  /// The same beside draws of the prior.
  Likelihood likelihood(const torch::Tensor& codes) const;

  // ---- Directions and properties

  /// Fitted to the different texts of each kind; those of both kinds are left out, with a warning. Throws DataError
  /// (too few texts).
  DirectionFit fit_direction(const std::vector<std::string>& positive, const std::vector<std::string>& negative,
                             const std::string& method = "mean", uint64_t seed = 42,
                             Progress& progress = Progress::none()) const;
  /// Before minutes of work. Throws where save_direction would.
  void require_direction_place(const std::string& name) const;
  void save_direction(const std::string& name, const DirectionFit& fit) const;
  /// A saved one. Throws ConfigError for an unknown name, CheckpointError for a damaged file.
  DirectionFit direction(const std::string& name) const;
  /// Throws ConfigError for an unknown name, DataError where its file cannot be removed.
  void remove_direction(const std::string& name) const;
  std::vector<std::string> directions() const;
  /// Codes [N, K, D] moved along a direction, a text a strength of each code.
  std::vector<MovedText> move(const torch::Tensor& codes, const Direction& direction,
                              const std::vector<double>& strengths = {1.0}, const DecodeOptions& options = {},
                              Progress& progress = Progress::none()) const;
  /// A property of texts as a linear function of their codes, with its held-out score. Throws DataError.
  PropertyFit fit_property(const std::vector<std::string>& texts, const std::vector<double>& values, uint64_t seed = 42,
                           Progress& progress = Progress::none()) const;
  /// From a text uphill on a property, or a direction's logit, while staying near the text and where the prior is; the
  /// seed of `decode` draws what is typical of the prior.
  OptimizedTexts optimize(const std::string& text, const LinearProperty& property, const OptimizeOptions& options = {},
                          const DecodeOptions& decode = {}, Progress& progress = Progress::none()) const;
  /// The same from a code [K, D].
  OptimizedTexts optimize(const torch::Tensor& code, const LinearProperty& property,
                          const OptimizeOptions& options = {}, const DecodeOptions& decode = {},
                          Progress& progress = Progress::none()) const;

  // ---- Nearest texts

  /// Of the different texts that are not empty. Throws DataError where there are none, CheckpointError where all have
  /// the same code.
  TextIndex index(const std::vector<std::string>& corpus, Metric metric = Metric::kCosine,
                  Progress& progress = Progress::none()) const;

 private:
  struct State;
  /// Throws ConfigError where outputs cannot be made as asked; before any work.
  void require_possible(const DecodeOptions& options) const;
  /// What gives so many codes of sample.
  std::function<torch::Tensor(int64_t count, Rng& rng)> drawing(const SampleOptions& options, Progress& progress) const;
  std::vector<Decoded> finish(const torch::Tensor& codes, const DecodeOptions& options, bool reconstructs,
                              Progress& progress) const;
  std::shared_ptr<State> state_;
};

}  // namespace tvae
