#include "tvae/latent/optimize.h"

#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/sgd.h>

#include <cmath>

#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kDraws = 1000;
constexpr double kSmallestStep = 1e-6;  // times the step size: nothing more to gain

}  // namespace

CodeLikelihood::CodeLikelihood(std::shared_ptr<const Prior> prior, Rng& rng)
    : log_density_([prior](const Tensor& codes) { return prior->log_density(codes); }) {
  const Tensor drawn = prior->log_density(prior->sample(kDraws, rng));
  mean_ = drawn.mean().item<double>();
  deviation_ = drawn.std().item<double>();
}

CodeLikelihood::CodeLikelihood(const CodeScale& scale)
    : log_density_([scale](const Tensor& codes) { return -0.5 * scale.standardise(codes).square().sum(1); }) {
  // Half a χ² of as many degrees of freedom as there are numbers that vary.
  const auto varying = scale.deviation.count_nonzero().item<double>();
  mean_ = -0.5 * varying;
  deviation_ = std::sqrt(0.5 * varying);
}

Tensor CodeLikelihood::unlikeliness(const Tensor& codes) const {
  return ((mean_ - log_density(codes)) / deviation_).clamp_min(0.0);
}

OptimizedPath optimize_code(const Tensor& start, const LinearProperty& property, const CodeLikelihood& likelihood,
                            const OptimizeOptions& options, Progress& progress) {
  if (!(options.step_size > 0.0) || !std::isfinite(options.step_size))
    throw ConfigError("the size of a step", std::to_string(options.step_size), "more than 0");
  const double steepness = property.weights.norm().item<double>();
  if (!(steepness > 0.0))
    throw DataError("the property does not depend on the code", "", "", "there is nothing to climb");
  const double sign = options.downhill ? -1.0 : 1.0;
  const Tensor origin = start.to(at::kCPU, at::kDouble);
  Tensor shift = at::zeros_like(origin).requires_grad_();  // in standard deviations of codes
  const auto code = [&] { return (origin + property.scale.deviation * shift).unsqueeze(0); };
  const auto objective = [&] {
    const Tensor z = code();
    return (sign / steepness) * property.value(z)[0] -
           0.5 * options.prior_weight * likelihood.unlikeliness(z)[0].square() -
           0.5 * options.text_weight * shift.square().sum();
  };

  std::vector<Tensor> codes, values, objectives, unlikeliness;
  const auto record = [&] {
    const torch::NoGradGuard no_grad;
    codes.push_back(code()[0].to(at::kFloat));
    values.push_back(property.value(code())[0]);
    objectives.push_back(objective());
    unlikeliness.push_back(likelihood.unlikeliness(code())[0]);
  };
  record();
  torch::optim::SGD ascent({shift}, torch::optim::SGDOptions(options.step_size));
  double& step_size = static_cast<torch::optim::SGDOptions&>(ascent.param_groups()[0].options()).lr();
  for (int64_t step = 0; step < options.steps; ++step) {
    progress.update("climbing", step, options.steps);
    ascent.zero_grad();
    (-objective()).backward();
    torch::nn::utils::clip_grad_norm_({shift}, 1.0);
    // A step that overshoots is taken back and halved.
    const Tensor before = shift.detach().clone();
    for (;; step_size *= 0.5) {
      ascent.step();
      const torch::NoGradGuard no_grad;
      if ((objective() > objectives.back()).item<bool>()) break;
      shift.copy_(before);
      if (step_size <= kSmallestStep * options.step_size) break;
    }
    if (shift.equal(before)) break;
    record();
  }
  return {at::stack(codes), at::stack(values), at::stack(objectives), at::stack(unlikeliness)};
}

}  // namespace tvae
