// Distributions over codes that `sample` draws from: the standard normal, and ones fitted to the codes of data.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tvae/base/progress.h"
#include "tvae/base/registry.h"
#include "tvae/latent/codec.h"

namespace tvae {

class Prior {
 public:
  virtual ~Prior() = default;
  /// n codes [n, K, D] on the CPU, fp32. `scale` multiplies the deviations from the mean (of each component): below 1
  /// the codes are nearer to typical ones.
  virtual torch::Tensor sample(int64_t n, Rng& rng, double scale = 1.0) const = 0;
  /// Natural logarithm of the density of codes [N, K, D] → [N], fp64.
  virtual torch::Tensor log_density(const torch::Tensor& codes) const = 0;
  /// What a kind's `load` needs to make it again.
  virtual TensorMap tensors() const = 0;
};

/// N(0, I) over K × D numbers.
std::unique_ptr<Prior> make_normal_prior(int64_t latent_tokens, int64_t latent_size);

struct PriorFitOptions {
  int64_t components = 0;  // of a mixture; 0 = chosen by held-out likelihood among 1, 2, 4, 8, 16
  uint64_t seed = 42;      // of the held-out split and of the mixture's start
};

struct PriorFit {
  std::unique_ptr<Prior> prior;
  nlohmann::ordered_json facts;  // components, covariance, held_out_log_density, ...
};

struct PriorKind {
  /// codes [N, K, D] → a distribution fitted to all of them; the held-out figure is of a fit to nine tenths. Throws
  /// DataError when there are too few codes.
  std::function<PriorFit(const torch::Tensor& codes, const PriorFitOptions& options, Progress& progress)> fit;
  std::function<std::unique_ptr<Prior>(const TensorMap& tensors, int64_t latent_tokens, int64_t latent_size)> load;
};
/// By name. Each kind registers itself in a file of its own.
Registry<PriorKind>& prior_kinds();
/// Of a kind, to codes [N, K, D]. Throws ConfigError for unknown kinds; and as PriorKind::fit.
PriorFit fit_prior(const std::string& kind, const torch::Tensor& codes, const PriorFitOptions& options = {},
                   Progress& progress = Progress::none());

/// What of the posteriors a prior was fitted to: the fact "fit_on".
inline const std::string kFitOnMeans = "means", kFitOnSamples = "samples";

/// Before minutes of work. Throws CheckpointError where the model's folder is gone, DataError where it cannot be
/// written.
void require_prior_place(const Model& model);
/// Writes MODEL/latent/prior.safetensors, atomically, and its facts for people, prior.json. A line (base/log.h) says
/// that it replaces another.
void save_prior(const Model& model, const std::string& kind, const PriorFit& fit);

struct SavedPrior {
  std::string kind;
  std::string fit_on;  // of the posteriors: kFitOnMeans or kFitOnSamples
  std::unique_ptr<Prior> prior;
  bool of_other_weights = false;  // of the model than it has now
};
/// The model's fitted prior; nullopt where none was fitted. Warns when the weights changed since. Throws
/// CheckpointError when the file is damaged or made for other shapes.
std::optional<SavedPrior> load_prior(const Model& model);

}  // namespace tvae
