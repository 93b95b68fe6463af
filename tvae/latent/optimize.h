// Gradient ascent in code space: from a text uphill on a property, staying where codes are likely.
#pragma once

#include <functional>
#include <memory>

#include "tvae/latent/linear_property.h"
#include "tvae/latent/prior.h"

namespace tvae {

/// How likely codes are, beside typical draws of a prior. In many dimensions the likeliest code, the mean, is nothing
/// like a draw, and a pull towards it would wipe out the text; so a code is held to be no less likely than a draw, no
/// more.
class CodeLikelihood {
 public:
  /// By a fitted prior, which it keeps: `rng` draws the codes that tell what is typical.
  CodeLikelihood(std::shared_ptr<const Prior> prior, Rng& rng);
  /// By a normal distribution around the mean of codes with the deviation of each of their numbers.
  explicit CodeLikelihood(const CodeScale& scale);

  /// Natural logarithm of the density, up to a constant of the prior: [N, K, D] → [N], fp64. Differentiable.
  torch::Tensor log_density(const torch::Tensor& codes) const { return log_density_(codes); }
  /// By how many deviations of the log density of draws a code's lies below their mean; 0 where it does not.
  torch::Tensor unlikeliness(const torch::Tensor& codes) const;

 private:
  std::function<torch::Tensor(const torch::Tensor&)> log_density_;
  double mean_ = 0.0, deviation_ = 1.0;  // of the log density of draws
};

struct OptimizeOptions {
  int64_t steps = 100;
  double step_size = 0.1;     // length of the longest step, in standard deviations of codes
  double prior_weight = 1.0;  // of half the squared unlikeliness
  double text_weight = 0.3;  // of half the squared distance from the start: the way goes up to 1/text_weight deviations
  bool downhill = false;
};

/// The codes passed, the start first; fewer than steps + 1 where nothing more could be gained.
struct OptimizedPath {
  torch::Tensor codes;         // [S, K, D] fp32
  torch::Tensor values;        // [S] of the property, fp64
  torch::Tensor objectives;    // [S], fp64: never falls
  torch::Tensor unlikeliness;  // [S], fp64
};

/// Climbs value/|weights| - prior_weight/2 unlikeliness² - text_weight/2 distance², where value/|weights| is the way
/// gone along the property in standard deviations of codes, so that the weights mean the same for every property.
/// `start` is [K, D]. Numbers of a code that do not vary stay as they are. Throws DataError when the property does not
/// depend on the code.
OptimizedPath optimize_code(const torch::Tensor& start, const LinearProperty& property,
                            const CodeLikelihood& likelihood, const OptimizeOptions& options,
                            Progress& progress = Progress::none());

}  // namespace tvae
