// The shape of the latent space.
#include "tvae/eval/bootstrap.h"
#include "tvae/eval/code_statistics.h"
#include "tvae/eval/protocol.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using torch::Tensor;

std::vector<double> numbers(const Tensor& values) {
  const Tensor flat = values.to(at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

Tensor normal_like(const Tensor& codes, Rng& rng) {
  return at::randn(codes.sizes(), rng.generator(), at::kFloat);
}

/// Posterior standard deviations; 1 for deterministic codes.
Tensor posterior_std(const EncodedTexts& codes) {
  return codes.log_variance ? codes.posterior().deviation() : at::ones_like(codes.mean);
}

/// Validity, and how many texts stay as they are without noise, at growing distance from the codes of texts.
Json hole_curve(Evaluation& evaluation, Rng& rng) {
  const EncodedTexts& codes = evaluation.codes();
  const Tensor unit = posterior_std(codes);
  const std::vector<std::string>& undisturbed = evaluation.reconstructions();
  Json curve = Json::array();
  for (const double radius : {0.0, 0.25, 0.5, 1.0, 2.0}) {
    const std::vector<std::string> texts =
        radius == 0.0 ? undisturbed : evaluation.decode(codes.mean + radius * unit * normal_like(unit, rng));
    Json point = {{"radius", radius}};
    add_valid_share(point, evaluation, "valid", texts);
    std::vector<double> same;
    for (size_t i = 0; i < texts.size(); ++i) same.push_back(texts[i] == undisturbed[i]);
    add_share(point, "unchanged", same);
    curve.push_back(std::move(point));
  }
  return curve;
}

}  // namespace

Json measure_shape(Evaluation& evaluation, Rng& rng) {
  const EncodedTexts& codes = evaluation.codes();
  const int64_t n = codes.mean.size(0);
  if (n < 2) {
    evaluation.skip("shape", "fewer than two held-out texts");
    return nullptr;
  }
  const Tensor means = codes.mean.flatten(1);
  Json result = {{"active_units", active_units(means)},
                 {"latent_dims", means.size(1)},
                 {"mmd2", mmd_to_normal(means, rng)},
                 {"mmd2_standardised", mmd_to_normal(standardise(means), rng)},
                 {"mmd2_noise_floor", mmd_noise_floor(n, means.size(1), rng)},
                 {"effective_rank", effective_rank(means)}};
  if (codes.log_variance) {
    const Tensor drawn = codes.posterior().sample(rng);
    result["mmd2_sampled"] = mmd_to_normal(drawn.flatten(1), rng);
    add_mean(result, "posterior_std", posterior_std(codes).flatten(1).mean(1));
    add_mean(result, "rate_nats", codes.posterior().to(at::kDouble).rate().flatten(1).sum(1));
  } else {
    evaluation.skip("shape.rate_nats", "the posterior is deterministic");
  }
  result["hole_curve_unit"] = codes.log_variance ? "posterior std" : "1";
  result["hole_curve"] = hole_curve(evaluation, rng);
  const Tensor again = evaluation.encode(evaluation.reconstructions()).mean.flatten(1);
  add_mean(result, "cycle_cosine", at::cosine_similarity(means, again, 1));
  add_mean(result, "cycle_l2", (means - again).norm(2, 1));
  const Moments dimension = moments(means);
  result["dimensions"] = {{"mean", numbers(dimension.mean)},
                          {"std", numbers(dimension.std)},
                          {"skew", numbers(dimension.skew)},
                          {"kurtosis", numbers(dimension.kurtosis)}};
  result["n"] = n;
  return result;
}

}  // namespace tvae
