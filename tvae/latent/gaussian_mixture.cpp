// Fitted priors made of Gaussians: one, or a mixture fitted by expectation maximisation.
//
// Every fit starts from one Gaussian with a shrunk covariance L Lᵀ around the mean m. A mixture is fitted to the white
// codes L⁻¹(z − m), where a component with a diagonal covariance already follows the correlations of the data, so that
// hundreds of dimensions and a few thousand codes go together.
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/latent/prior.h"
#include "tvae/latent/shrunk_gaussian.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kCodesAComponent = 10;  // fewest for a component with a diagonal covariance
constexpr int64_t kCodesADimension = 4;   // times the dimensions: fewest for one with a full covariance
constexpr std::array<int64_t, 5> kSizes = {1, 2, 4, 8, 16};
constexpr int kMostIterations = 100;
constexpr double kConverged = 1e-4;  // nats a number of a code by which an iteration must raise the likelihood

/// d numbers: Σ_k weight_k N(mean_k, factor_k factor_kᵀ). All fp64.
struct Mixture {
  Tensor log_weights;     // [k]
  Tensor means;           // [k, d]
  Tensor factors;         // [k, d, d] lower triangular
  bool diagonal = false;  // whether the factors are, which makes densities cheap
};

/// log(weight_k N(x_n; component k)), [N, k].
Tensor joint_log_density(const Mixture& mixture, const Tensor& x) {
  const auto d = static_cast<double>(x.size(1));
  std::vector<Tensor> columns;
  for (int64_t k = 0; k < mixture.means.size(0); ++k) {
    const Tensor centred = x - mixture.means[k];
    const Tensor white =
        mixture.diagonal ? centred / mixture.factors[k].diagonal() : lower_solve(mixture.factors[k], centred.t()).t();
    columns.push_back(mixture.log_weights[k] - 0.5 * (white.square().sum(1) + d * std::log(2.0 * std::numbers::pi)) -
                      mixture.factors[k].diagonal().log().sum());
  }
  return at::stack(columns, 1);
}

double mean_log_density(const Mixture& mixture, const Tensor& x) {
  return joint_log_density(mixture, x).logsumexp(1).mean().item<double>();
}

Mixture fit_one(const Tensor& x) {
  const ShrunkGaussian one = fit_shrunk_gaussian(x);
  return {at::zeros({1}, x.options()), one.mean.unsqueeze(0), one.factor.unsqueeze(0)};
}

/// Start of a mixture (Arthur and Vassilvitskii 2007): centres drawn far from one another; each code belongs to the
/// nearest. [N, k] of zeros and ones.
Tensor start_responsibilities(const Tensor& x, int64_t components, Rng& rng, Progress& progress) {
  const auto distances_to = [&x](int64_t row) { return (x - x[row]).square().sum(1); };
  const Tensor first = at::randint(x.size(0), {1}, rng.generator(), at::kLong);
  std::vector<Tensor> distances = {distances_to(first.item<int64_t>())};
  while (static_cast<int64_t>(distances.size()) < components) {
    progress.update("starting a mixture", static_cast<int64_t>(distances.size()), components);
    const Tensor nearest = std::get<0>(at::stack(distances, 1).min(1)) + 1e-12;
    distances.push_back(distances_to(nearest.multinomial(1, false, rng.generator()).item<int64_t>()));
  }
  return at::one_hot(at::stack(distances, 1).argmin(1), components).to(x.scalar_type());
}

/// Maximisation on white codes. A prior worth `strength` codes of unit variance keeps small components regular.
Mixture maximise(const Tensor& x, const Tensor& responsibilities, bool full) {
  const Tensor counts = responsibilities.sum(0).clamp_min(1e-9);
  Mixture mixture;
  mixture.log_weights = (counts / counts.sum()).log();
  mixture.means = at::mm(responsibilities.t(), x) / counts.unsqueeze(1);
  const auto strength = static_cast<double>(full ? x.size(1) : kCodesAComponent);
  std::vector<Tensor> factors;
  for (int64_t k = 0; k < counts.size(0); ++k) {
    const Tensor centred = x - mixture.means[k];
    const Tensor weighted = centred * responsibilities.select(1, k).unsqueeze(1);
    const Tensor total = counts[k] + strength;
    factors.push_back(
        full ? at::linalg_cholesky((at::mm(weighted.t(), centred) + strength * at::eye(x.size(1), x.options())) / total)
             : (((weighted * centred).sum(0) + strength) / total).sqrt().diag());
  }
  mixture.factors = at::stack(factors);
  mixture.diagonal = !full;
  return mixture;
}

struct Shape {
  int64_t components = 1;
  bool full = false;
};

/// Mixture of a given shape, in the coordinates of the codes.
Mixture fit_mixture(const Tensor& x, const Shape& shape, uint64_t seed, Progress& progress) {
  const Mixture one = fit_one(x);
  if (shape.components == 1) return one;
  const Tensor white = ShrunkGaussian{one.means[0], one.factors[0]}.whiten(x);
  Rng rng(seed);
  Mixture mixture = maximise(white, start_responsibilities(white, shape.components, rng, progress), shape.full);
  double before = -std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < kMostIterations; ++iteration) {
    progress.update("fitting a mixture", iteration, kMostIterations);
    const Tensor joint = joint_log_density(mixture, white);
    const Tensor total = joint.logsumexp(1, /*keepdim=*/true);
    const double now = total.mean().item<double>();
    if (now - before < kConverged * static_cast<double>(white.size(1))) break;
    before = now;
    mixture = maximise(white, (joint - total).exp(), shape.full);
  }
  mixture.means = one.means + at::mm(mixture.means, one.factors[0].t());
  mixture.factors = at::matmul(one.factors[0], mixture.factors);  // lower times lower: its own Cholesky factor
  mixture.diagonal = false;
  return mixture;
}

class MixturePrior : public Prior {
 public:
  MixturePrior(Mixture mixture, int64_t latent_tokens, int64_t latent_size)
      : mixture_(std::move(mixture)), latent_tokens_(latent_tokens), latent_size_(latent_size) {}

  Tensor sample(int64_t n, Rng& rng, double scale) const override {
    const Tensor component = mixture_.log_weights.exp().multinomial(n, /*replacement=*/true, rng.generator());
    const Tensor noise = at::randn({n, latent_tokens_ * latent_size_}, rng.generator(), at::kDouble) * scale;
    Tensor codes = mixture_.means.index_select(0, component);
    for (int64_t k = 0; k < mixture_.means.size(0); ++k) {
      const Tensor rows = (component == k).nonzero().squeeze(1);
      codes.index_add_(0, rows, at::mm(noise.index_select(0, rows), mixture_.factors[k].t()));
    }
    return codes.to(at::kFloat).view({n, latent_tokens_, latent_size_});
  }
  Tensor log_density(const Tensor& codes) const override {
    return joint_log_density(mixture_, codes.to(at::kDouble).flatten(1)).logsumexp(1);
  }
  TensorMap tensors() const override {
    return {{"log_weights", mixture_.log_weights}, {"means", mixture_.means}, {"factors", mixture_.factors}};
  }

 private:
  Mixture mixture_;
  int64_t latent_tokens_, latent_size_;
};

/// Refits a shape to all codes.
PriorFit finish(const Tensor& codes, const Shape& shape, double held_out_log_density, uint64_t seed,
                Progress& progress) {
  Mixture mixture = fit_mixture(codes.to(at::kCPU, at::kDouble).flatten(1), shape, seed, progress);
  PriorFit fit;
  fit.prior = std::make_unique<MixturePrior>(std::move(mixture), codes.size(1), codes.size(2));
  fit.facts = {{"components", shape.components},
               {"covariance", shape.components == 1 ? "shrunk"
                              : shape.full          ? "full"
                                                    : "diagonal in white coordinates"},
               {"codes", codes.size(0)},
               {"held_out_log_density", held_out_log_density}};
  return fit;
}

PriorFit fit_gaussian(const Tensor& codes, const PriorFitOptions& options, Progress& progress) {
  if (options.components > 1)
    throw ConfigError("a gaussian prior has one component", std::to_string(options.components), "1", "gmm has several");
  const CodeSplit split = split_codes(codes, options.seed);
  return finish(codes, Shape{}, mean_log_density(fit_one(split.train), split.held_out), options.seed, progress);
}

PriorFit fit_gaussian_mixture(const Tensor& codes, const PriorFitOptions& options, Progress& progress) {
  const CodeSplit split = split_codes(codes, options.seed);
  const int64_t n = split.train.size(0), d = split.train.size(1);
  Shape best;
  double best_density = -std::numeric_limits<double>::infinity();
  const auto consider = [&](const Shape& shape) {
    const double density = mean_log_density(fit_mixture(split.train, shape, options.seed, progress), split.held_out);
    log_info(std::to_string(shape.components) + (shape.full ? " full" : "") + " components: held-out log density " +
             std::to_string(density));
    if (density > best_density) {
      best = shape;
      best_density = density;
    }
    return density;
  };
  std::vector<int64_t> sizes(kSizes.begin(), kSizes.end());
  if (options.components > 0) sizes = {options.components};
  for (const bool full : {false, true}) {
    double before = -std::numeric_limits<double>::infinity();
    for (const int64_t components : sizes) {
      if (full && components == 1) continue;                                            // the same for both
      if (n / (full ? d * kCodesADimension : kCodesAComponent) < components) continue;  // a product could overflow
      const double density = consider({components, full});
      if (density < before) break;  // more do not help either
      before = density;
    }
  }
  if (!std::isfinite(best_density))
    throw DataError("components of a mixture of " + std::to_string(codes.size(0)) + " codes",
                    std::to_string(options.components), "at most " + std::to_string(n / kCodesAComponent));
  return finish(codes, best, best_density, options.seed, progress);
}

std::unique_ptr<Prior> load_gaussian_mixture(const TensorMap& tensors, int64_t latent_tokens, int64_t latent_size) {
  const auto tensor = [&tensors](const std::string& name, std::vector<int64_t> sizes) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw CheckpointError("no tensor " + name);
    if (found->second.sizes() != at::IntArrayRef(sizes)) throw CheckpointError("tensor " + name + " has a wrong shape");
    const Tensor value = found->second.to(at::kDouble);
    if (!value.isfinite().all().item<bool>())
      throw CheckpointError("tensor " + name + " has numbers that are not finite");
    return value;
  };
  const auto weights = tensors.find("log_weights");
  const int64_t components = weights == tensors.end() ? 1 : weights->second.numel();
  const int64_t d = latent_tokens * latent_size;
  Mixture mixture{tensor("log_weights", {components}), tensor("means", {components, d}),
                  tensor("factors", {components, d, d})};
  if (components < 1 || std::abs(mixture.log_weights.logsumexp(0).item<double>()) > 1e-3)
    throw CheckpointError("the weights do not sum to 1");
  if (!(mixture.factors.diagonal(0, 1, 2) > 0).all().item<bool>())
    throw CheckpointError("tensor factors has a diagonal that is not positive");
  return std::make_unique<MixturePrior>(std::move(mixture), latent_tokens, latent_size);
}

const Register<PriorKind> gaussian(prior_kinds(), {"gaussian",
                                                   "one Gaussian with a full covariance",
                                                   {fit_gaussian, load_gaussian_mixture}});
const Register<PriorKind> gmm(prior_kinds(), {"gmm",
                                              "a mixture of Gaussians, its size chosen on held-out codes",
                                              {fit_gaussian_mixture, load_gaussian_mixture}});

}  // namespace
}  // namespace tvae
