// Fitted priors made of Gaussians: one, or a mixture fitted by expectation maximisation.
//
// Every fit starts from one Gaussian with a shrunk covariance L Lᵀ around the mean m. A mixture is fitted to the white
// codes L⁻¹(z − m), where a component with a diagonal covariance already follows the correlations of the data, so that
// hundreds of dimensions and a few thousand codes go together.
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/latent/prior.h"
#include "tvae/latent/shrunk_gaussian.h"
#include "tvae/ops/linear.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kCodesAComponent = 10;  // fewest for a component with a diagonal covariance
constexpr int64_t kCodesADimension = 4;   // times the dimensions: fewest for one with a full covariance
constexpr std::array<int64_t, 5> kSizes = {1, 2, 4, 8, 16};
constexpr int64_t kCodesAtOnce = 4096;  // whose densities are computed together: bounds memory, and stays in the caches
constexpr double kFewest = 1e-9;        // codes of a component, so that the mean of none is a number
constexpr int kMostIterations = 100;
constexpr double kConverged = 1e-4;  // nats a number of a code by which an iteration must raise the likelihood

/// d numbers: Σ_k weight_k N(mean_k, factor_k factor_kᵀ). All fp64.
struct Mixture {
  Tensor log_weights;  // [k]
  Tensor means;        // [k, d]
  Tensor factors;      // [k, d, d] lower triangular
};

/// Log of the constant that makes a density of d numbers integrate to 1.
double log_normaliser(int64_t d) {
  return -0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi);
}

/// log(weight_k N(x_n; component k)), [N, k].
Tensor joint_log_density(const Mixture& mixture, const Tensor& x) {
  std::vector<Tensor> columns;
  for (int64_t k = 0; k < mixture.means.size(0); ++k) {
    const Tensor white = lower_solve(mixture.factors[k], (x - mixture.means[k]).t());
    columns.push_back(mixture.log_weights[k] + log_normaliser(x.size(1)) - 0.5 * white.square().sum(0) -
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
Tensor start_shares(const Tensor& x, int64_t components, Rng& rng, Progress& progress) {
  const Tensor squares = x.square().sum(1);
  const auto distances_to = [&](int64_t row) {
    return (squares - 2.0 * at::mv(x, x[row]) + squares[row]).clamp_min_(0.0);
  };
  Tensor nearest = distances_to(at::randint(x.size(0), {1}, rng.generator(), at::kLong).item<int64_t>());
  Tensor component = at::zeros({x.size(0)}, at::kLong);
  for (int64_t k = 1; k < components; ++k) {
    progress.update("starting a mixture", k, components);
    const Tensor distances =
        distances_to((nearest + 1e-12).multinomial(1, /*replacement=*/false, rng.generator()).item<int64_t>());
    component.masked_fill_(distances < nearest, k);
    nearest = at::minimum(nearest, distances);
  }
  return at::one_hot(component, components).to(at::kDouble);
}

/// The mixture that expectation maximisation improves, over white codes that come in blocks of rows. One class a kind
/// of covariance. In each a prior worth some codes of unit variance keeps small components regular.
class Estimate {
 public:
  virtual ~Estimate() = default;
  /// White codes [N, d] fp64 as the other methods take their blocks.
  virtual Tensor prepare(const Tensor& white) const = 0;
  /// log(weight_k N(x_n; component k)) of a block, [n, k] fp64.
  virtual Tensor joint_log_density(const Tensor& block) const = 0;
  /// Adds a block to the moments, with the share of each component in each code, [n, k] fp64.
  virtual void add(const Tensor& block, const Tensor& shares) = 0;
  /// Makes the components those of the moments, which begin anew.
  virtual void maximise() = 0;
  virtual Mixture mixture() const = 0;
};

/// Diagonal covariances. Densities and moments are each one matrix product with the codes and their squares, cheap even
/// in fp64, in which the small differences of large squares are right.
class DiagonalEstimate : public Estimate {
 public:
  DiagonalEstimate(int64_t components, int64_t d)
      : counts_(at::zeros({components}, at::kDouble)), sums_(at::zeros({components, 2 * d}, at::kDouble)) {}

  Tensor prepare(const Tensor& white) const override { return at::cat({white.square(), white}, 1); }
  Tensor joint_log_density(const Tensor& block) const override {
    return at::addmm(constants_, block, coefficients_.t());
  }
  void add(const Tensor& block, const Tensor& shares) override {
    counts_ += shares.sum(0);
    sums_.addmm_(shares.t(), block);
  }
  void maximise() override {
    constexpr auto kStrength = static_cast<double>(kCodesAComponent);
    const Tensor counts = counts_.clamp_min(kFewest).unsqueeze(1);
    const auto sums = sums_.chunk(2, 1);
    log_weights_ = (counts / counts.sum()).log().squeeze(1);
    means_ = sums[1] / counts;
    const Tensor scatter = (sums[0] - counts * means_.square()).clamp_min(0.0);
    const Tensor variances = (scatter + kStrength) / (counts + kStrength);
    deviations_ = variances.sqrt();
    coefficients_ = at::cat({-0.5 / variances, means_ / variances}, 1);
    constants_ = log_weights_ + log_normaliser(means_.size(1)) - deviations_.log().sum(1) -
                 0.5 * (means_.square() / variances).sum(1);
    counts_.zero_();
    sums_.zero_();
  }
  Mixture mixture() const override { return {log_weights_, means_, deviations_.diag_embed()}; }

 private:
  Tensor log_weights_, means_, deviations_;  // [k], [k, d], [k, d]
  Tensor coefficients_, constants_;          // of squares and codes in a log density [k, 2 d], and what is left [k]
  Tensor counts_, sums_;                     // moments: of the shares [k], of squares and codes [k, 2 d]
};

/// Full covariances. The products of a block are fp32, on the fastest kernel, and what is summed over blocks is fp64.
/// They are of differences from the means, since squares of far codes would leave no digits for small variances.
class FullEstimate : public Estimate {
 public:
  /// means [k, d]: of the codes that are added first, about.
  explicit FullEstimate(const Tensor& means)
      : means_(means),
        counts_(at::zeros({means.size(0)}, at::kDouble)),
        sums_(at::zeros_like(means)),
        scatters_(at::zeros({means.size(0), means.size(1), means.size(1)}, at::kDouble)) {}

  Tensor prepare(const Tensor& white) const override { return white.to(at::kFloat); }
  Tensor joint_log_density(const Tensor& block) const override {
    std::vector<Tensor> columns;
    for (int64_t k = 0; k < means_.size(0); ++k) {
      const Tensor white = matrix_product(differences(block, k), inverses_[k].t());
      columns.push_back(at::linalg_vector_norm(white, 2, at::IntArrayRef{1}).to(at::kDouble));
    }
    return constants_ - 0.5 * at::stack(columns, 1).square();
  }
  void add(const Tensor& block, const Tensor& shares) override {
    counts_ += shares.sum(0);
    for (int64_t k = 0; k < means_.size(0); ++k) {
      // In many dimensions most codes have no share in most components.
      const Tensor rows = (shares.select(1, k) > kNegligibleShare).nonzero().squeeze(1);
      if (rows.size(0) == 0) continue;  // the product over no rows is not defined
      const Tensor roots = shares.select(1, k).index_select(0, rows).sqrt().to(at::kFloat);
      const Tensor weighted = differences(block.index_select(0, rows), k) * roots.unsqueeze(1);
      sums_[k] += at::mv(weighted.t(), roots);
      scatters_[k] += matrix_product(weighted.t(), weighted);
    }
  }
  void maximise() override {
    const auto strength = static_cast<double>(means_.size(1));
    const Tensor counts = counts_.clamp_min(kFewest);
    const Tensor steps = sums_ / counts.unsqueeze(1);
    const Tensor scatters = scatters_ - counts.view({-1, 1, 1}) * steps.unsqueeze(2) * steps.unsqueeze(1);
    const Tensor identity = at::eye(means_.size(1), at::kDouble);
    log_weights_ = (counts / counts.sum()).log();
    means_ = means_ + steps;
    factors_ = at::linalg_cholesky((scatters + strength * identity) / (counts + strength).view({-1, 1, 1}));
    inverses_ = lower_solve(factors_, identity.expand_as(factors_)).to(at::kFloat);
    constants_ = log_weights_ + log_normaliser(means_.size(1)) - factors_.diagonal(0, 1, 2).log().sum(1);
    counts_.zero_();
    sums_.zero_();
    scatters_.zero_();
  }
  Mixture mixture() const override { return {log_weights_, means_, factors_}; }

 private:
  static constexpr double kNegligibleShare = 1e-8;
  Tensor differences(const Tensor& block, int64_t k) const { return block - means_[k].to(at::kFloat); }

  Tensor log_weights_, means_, factors_;  // [k], [k, d], [k, d, d]
  Tensor inverses_, constants_;           // of the factors, fp32 [k, d, d]; what else is in a log density [k]
  Tensor counts_, sums_, scatters_;       // moments: of the shares [k], of differences from the means [k, d], [k, d, d]
};

struct Shape {
  int64_t components = 1;
  bool full = false;
};

/// Mixture of a given shape, in the coordinates of the codes [N, d], from the shares of `start` in them, or from a
/// start that is drawn by the seed.
Mixture fit_mixture(const Tensor& x, const Shape& shape, uint64_t seed, Progress& progress,
                    const Mixture* start = nullptr) {
  const Mixture one = fit_one(x);
  if (shape.components == 1) return one;
  const Tensor white = ShrunkGaussian{one.means[0], one.factors[0]}.whiten(x);
  Rng rng(seed);
  const Tensor shares =
      start != nullptr ? joint_log_density(*start, x).softmax(1) : start_shares(white, shape.components, rng, progress);
  std::unique_ptr<Estimate> estimate;
  if (shape.full)
    estimate =
        std::make_unique<FullEstimate>(at::mm(shares.t(), white) / shares.sum(0).clamp_min(kFewest).unsqueeze(1));
  else
    estimate = std::make_unique<DiagonalEstimate>(shape.components, x.size(1));
  const std::vector<Tensor> blocks = estimate->prepare(white).split(kCodesAtOnce);
  const std::vector<Tensor> first = shares.split(kCodesAtOnce);
  for (size_t i = 0; i < blocks.size(); ++i) estimate->add(blocks[i], first[i]);
  estimate->maximise();
  double before = -std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < kMostIterations; ++iteration) {
    progress.update("fitting a mixture", iteration, kMostIterations);
    double now = 0.0;
    for (const Tensor& block : blocks) {
      const Tensor joint = estimate->joint_log_density(block);
      const Tensor total = joint.logsumexp(1, /*keepdim=*/true);
      now += total.sum().item<double>() / static_cast<double>(white.size(0));
      estimate->add(block, (joint - total).exp());
    }
    if (now - before < kConverged * static_cast<double>(white.size(1))) break;
    before = now;
    estimate->maximise();
  }
  Mixture mixture = estimate->mixture();
  mixture.means = one.means + at::mm(mixture.means, one.factors[0].t());
  mixture.factors = at::matmul(one.factors[0], mixture.factors);  // lower times lower: its own Cholesky factor
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

/// A mixture fitted to some codes, and how likely it makes others.
struct Judged {
  Shape shape;
  Mixture mixture;
  double held_out_log_density = -std::numeric_limits<double>::infinity();
};

/// Goes on from a judged mixture with all codes.
PriorFit finish(const Tensor& codes, const Judged& judged, uint64_t seed, Progress& progress) {
  const Shape& shape = judged.shape;
  Mixture mixture = fit_mixture(codes.to(at::kCPU, at::kDouble).flatten(1), shape, seed, progress, &judged.mixture);
  PriorFit fit;
  fit.prior = std::make_unique<MixturePrior>(std::move(mixture), codes.size(1), codes.size(2));
  fit.facts = {{"components", shape.components},
               {"covariance", shape.components == 1 ? "shrunk"
                              : shape.full          ? "full"
                                                    : "diagonal in white coordinates"},
               {"codes", codes.size(0)},
               {"held_out_log_density", judged.held_out_log_density}};
  return fit;
}

PriorFit fit_gaussian(const Tensor& codes, const PriorFitOptions& options, Progress& progress) {
  if (options.components > 1)
    throw ConfigError("a gaussian prior has one component", std::to_string(options.components), "1", "gmm has several");
  const CodeSplit split = split_codes(codes, options.seed);
  const Mixture one = fit_one(split.train);
  return finish(codes, {Shape{}, one, mean_log_density(one, split.held_out)}, options.seed, progress);
}

PriorFit fit_gaussian_mixture(const Tensor& codes, const PriorFitOptions& options, Progress& progress) {
  const CodeSplit split = split_codes(codes, options.seed);
  const int64_t n = split.train.size(0), d = split.train.size(1);
  Judged best;
  const auto consider = [&](const Shape& shape) {
    Mixture mixture = fit_mixture(split.train, shape, options.seed, progress);
    const double density = mean_log_density(mixture, split.held_out);
    log_info(std::to_string(shape.components) + (shape.full ? " full" : "") + " components: held-out log density " +
             std::to_string(density));
    if (density > best.held_out_log_density) best = {shape, std::move(mixture), density};
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
  if (!std::isfinite(best.held_out_log_density))
    throw DataError("components of a mixture of " + std::to_string(codes.size(0)) + " codes",
                    std::to_string(options.components), "at most " + std::to_string(n / kCodesAComponent));
  return finish(codes, best, options.seed, progress);
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
