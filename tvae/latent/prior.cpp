#include "tvae/latent/prior.h"

#include <cmath>
#include <numbers>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
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

constexpr const char* kFitAgain = "fit it again";

std::string prior_path(const Model& model) {
  return model.directory + "/latent/prior.safetensors";
}

std::string facts_path(const Model& model) {
  return model.directory + "/latent/prior.json";
}

/// "the former prior of MODEL (gmm)"; empty where there is none.
std::string former_prior(const Model& model) {
  if (!file_exists(prior_path(model))) return "";
  const auto facts =
      file_exists(facts_path(model)) ? parse_json(read_file(facts_path(model))) : nlohmann::ordered_json();
  const bool known = facts.is_object() && facts.contains("kind") && facts["kind"].is_string();
  return "the former prior of " + model.directory + (known ? " (" + facts["kind"].get<std::string>() + ")" : "");
}

}  // namespace

std::unique_ptr<Prior> make_normal_prior(int64_t latent_tokens, int64_t latent_size) {
  return std::make_unique<NormalPrior>(latent_tokens, latent_size);
}

Registry<PriorKind>& prior_kinds() {
  static Registry<PriorKind> registry("kind of prior");
  return registry;
}

PriorFit fit_prior(const std::string& kind, const Tensor& codes, const PriorFitOptions& options, Progress& progress) {
  return prior_kinds().find(kind).fit(codes, options, progress);
}

void require_prior_place(const Model& model) {
  require_writable_model(model.directory, {"latent/prior.safetensors", "latent/prior.json"});
}

void save_prior(const Model& model, const std::string& kind, const PriorFit& fit) {
  const ModelConfig& config = model.vae.config();
  const std::string former = former_prior(model);
  save_safetensors(
      prior_path(model), fit.prior->tensors(),
      {{"kind", kind}, {"fit_on", fit.facts.value("fit_on", kFitOnMeans)}, {"weights", weights_fingerprint(model)}});
  nlohmann::ordered_json facts = {
      {"kind", kind}, {"latent_tokens", config.latent_tokens}, {"latent_size", config.latent_size}};
  facts.update(fit.facts);
  write_file_atomically(facts_path(model), facts.dump(2) + "\n");
  if (!former.empty()) log_info("replaced " + former);
}

std::optional<SavedPrior> load_prior(const Model& model) {
  const std::string path = prior_path(model);
  if (!file_exists(path)) return std::nullopt;
  std::map<std::string, std::string> metadata;
  TensorMap tensors;
  try {
    tensors = load_safetensors(path, &metadata);
  } catch (const CheckpointError& error) {
    throw CheckpointError(error.what(), "", "", kFitAgain);
  }
  const PriorKind* kind = nullptr;
  try {
    kind = &prior_kinds().find(metadata["kind"]);
  } catch (const ConfigError& error) {
    throw CheckpointError(path + ": " + error.what(), "", "", kFitAgain);
  }
  const bool of_other_weights = warn_of_other_weights(model, path, metadata["weights"]);
  const ModelConfig& config = model.vae.config();
  try {
    const std::string fit_on = metadata.contains("fit_on") ? metadata["fit_on"] : kFitOnMeans;
    if (fit_on != kFitOnMeans && fit_on != kFitOnSamples) throw CheckpointError("fitted on", "\"" + fit_on + "\"");
    return SavedPrior{metadata["kind"], fit_on, kind->load(tensors, config.latent_tokens, config.latent_size),
                      of_other_weights};
  } catch (const CheckpointError& error) {
    throw CheckpointError(path + ": " + error.what(), "", "", kFitAgain);
  }
}

}  // namespace tvae
