#include "tvae/latent/prior.h"

#include <cmath>
#include <numbers>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/run/weights_fingerprint.h"

namespace tvae {
namespace {

using torch::Tensor;

class NormalPrior : public Prior {
 public:
  NormalPrior(int64_t latent_tokens, int64_t latent_size) : latent_tokens_(latent_tokens), latent_size_(latent_size) {}

  Tensor sample(int64_t n, Rng& rng, double scale) const override {
    return at::randn({n, latent_tokens_, latent_size_}, rng.generator(), at::kFloat) * scale;
  }
  Tensor log_density(const Tensor& codes) const override {
    const auto dimensions = static_cast<double>(latent_tokens_ * latent_size_);
    return -0.5 * (codes.to(at::kDouble).flatten(1).square().sum(1) + dimensions * std::log(2.0 * std::numbers::pi));
  }
  TensorMap tensors() const override { return {}; }

 private:
  int64_t latent_tokens_, latent_size_;
};

std::string prior_path(const Model& model) {
  return model.directory + "/latent/prior.safetensors";
}

}  // namespace

std::unique_ptr<Prior> make_normal_prior(int64_t latent_tokens, int64_t latent_size) {
  return std::make_unique<NormalPrior>(latent_tokens, latent_size);
}

const std::map<std::string, PriorKind>& prior_registry() {
  static const std::map<std::string, PriorKind> registry = {
      {"gaussian", {"one Gaussian with a full covariance", fit_gaussian, load_gaussian_mixture}},
      {"gmm",
       {"a mixture of Gaussians, its size chosen on held-out codes", fit_gaussian_mixture, load_gaussian_mixture}},
      {"flow", {"RealNVP, an invertible network trained on the codes", fit_flow, load_flow}},
  };
  return registry;
}

const PriorKind& find_prior_kind(const std::string& name) {
  const auto found = prior_registry().find(name);
  if (found != prior_registry().end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, kind] : prior_registry()) names.push_back(known);
  throw ConfigError("unknown kind of prior", "\"" + name + "\"", "", suggestion(name, names));
}

void save_prior(const Model& model, const std::string& kind, const PriorFit& fit) {
  const ModelConfig& config = model.vae.config();
  save_safetensors(
      prior_path(model), fit.prior->tensors(),
      {{"kind", kind}, {"fit_on", fit.facts.value("fit_on", kFitOnMeans)}, {"weights", weights_fingerprint(model)}});
  nlohmann::ordered_json facts = {
      {"kind", kind}, {"latent_tokens", config.latent_tokens}, {"latent_size", config.latent_size}};
  facts.update(fit.facts);
  write_file_atomically(model.directory + "/latent/prior.json", facts.dump(2) + "\n");
}

std::optional<SavedPrior> load_prior(const Model& model) {
  const std::string path = prior_path(model);
  if (!file_exists(path)) return std::nullopt;
  std::map<std::string, std::string> metadata;
  TensorMap tensors;
  try {
    tensors = load_safetensors(path, &metadata);
  } catch (const CheckpointError& error) {
    throw CheckpointError(error.what(), "", "", "make it again: tvae prior fit");
  }
  const auto kind = prior_registry().find(metadata["kind"]);
  if (kind == prior_registry().end())
    throw CheckpointError(path + ": kind of prior", "\"" + metadata["kind"] + "\"", "",
                          "make it again: tvae prior fit");
  const bool of_other_weights = warn_of_other_weights(model, path, metadata["weights"], "tvae prior fit");
  const ModelConfig& config = model.vae.config();
  try {
    const std::string fit_on = metadata.contains("fit_on") ? metadata["fit_on"] : kFitOnMeans;
    if (fit_on != kFitOnMeans && fit_on != kFitOnSamples) throw CheckpointError("fitted on", "\"" + fit_on + "\"");
    return SavedPrior{kind->first, fit_on, kind->second.load(tensors, config.latent_tokens, config.latent_size),
                      of_other_weights};
  } catch (const CheckpointError& error) {
    throw CheckpointError(path + ": " + error.what(), "", "", "make it again: tvae prior fit");
  }
}

}  // namespace tvae
