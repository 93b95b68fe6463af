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

namespace {

const Register<EvaluationSection> registered(
    evaluation_sections(),
    {"shape",
     "How the codes of held-out sequences lie in the latent space.",
     {measure_shape,
      {
          {"active_units", "dimensions whose variance over the data is above 0.01"},
          {"latent_dims", "dimensions of the code"},
          {"mmd2", "MMD² between the mean codes and N(0, I), multiquadric kernel; 0 = the same distribution"},
          {"mmd2_standardised", "MMD² of the mean codes once every dimension has mean 0 and variance 1"},
          {"mmd2_sampled", "MMD² of codes drawn from their posteriors"},
          {"mmd2_noise_floor", "what MMD² is for draws from N(0, I) itself"},
          {"effective_rank", "exp of the entropy of the covariance's eigenvalues: dimensions that are really used"},
          {"posterior_std", "mean standard deviation of the posterior"},
          {"rate_nats", "KL from the posterior to N(0, I), in nats a sequence"},
          {"hole_curve_unit", "what a radius of 1 is in the hole curve"},
          {"hole_curve", "What becomes of outputs when noise of a given radius is added to their codes."},
          {"radius", "noise, in units of the posterior's standard deviation where it has one"},
          {"valid", "share of the outputs that pass the data's check"},
          {"unchanged", "share of the outputs that are as without noise"},
          {"cycle_cosine", "cosine between a code and the code of what it decodes to"},
          {"cycle_l2", "distance between a code and the code of what it decodes to"},
          {"dimensions", "Moments of each dimension over the data: the least, the median and the largest."},
          {"mean", "0 under N(0, I)"},
          {"std", "1 under N(0, I), for sampled codes"},
          {"skew", "0 for a Gaussian"},
          {"kurtosis", "3 for a Gaussian; 1 where codes sit at two extremes"},
      }},
     /*order=*/3});

}  // namespace

}  // namespace tvae
