// A fitted prior that is no mixture: RealNVP (Dinh et al. 2017), an invertible network from N(0, I) to the codes.
//
// Codes are whitened by one shrunk Gaussian first, and every coupling starts as the identity: training can only improve
// on that Gaussian, and stops when held-out codes say so.
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/latent/prior.h"
#include "tvae/latent/shrunk_gaussian.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr int64_t kCouplings = 6;
constexpr int64_t kWidestLayer = 256;
constexpr int64_t kBatch = 256;
constexpr int kMostEpochs = 100;
constexpr int kPatience = 8;  // epochs without a better held-out density
constexpr double kLearningRate = 1e-3, kWeightDecay = 1e-2;
constexpr double kNoise = 0.05;  // added to white codes in training: keeps the density from growing around single ones

/// Half of the numbers, the `kept` ones, tell how the others are scaled and moved. Which half is drawn by the seed.
struct Coupling {
  Tensor kept, moved;           // indices, int64
  std::vector<Tensor> weights;  // hidden weight and bias, twice; output weight and bias
  Tensor largest_scale;         // [moved] bound of the log of the scale

  /// Log of the scale and the shift [N, moved] given the kept numbers.
  std::pair<Tensor, Tensor> operator()(const Tensor& x) const {
    Tensor hidden = x.index_select(1, kept);
    for (size_t i = 0; i + 2 < weights.size(); i += 2)
      hidden = at::gelu(at::linear(hidden, weights[i], weights[i + 1]));
    const auto parts = at::linear(hidden, weights[weights.size() - 2], weights.back()).chunk(2, 1);
    return {largest_scale * at::tanh(parts[0]), parts[1]};
  }
};

struct Flow {
  ShrunkGaussian base;
  std::vector<Coupling> couplings;

  /// White codes [N, d] → log density under the couplings and N(0, I), without the whitening's volume: [N].
  Tensor white_log_density(Tensor x) const {
    const auto d = static_cast<double>(x.size(1));
    Tensor log_volume = at::zeros({x.size(0)}, x.options());
    for (const Coupling& coupling : couplings) {
      const auto [log_scale, shift] = coupling(x);
      x = x.index_copy(1, coupling.moved, (x.index_select(1, coupling.moved) - shift) * (-log_scale).exp());
      log_volume = log_volume - log_scale.sum(1);
    }
    return log_volume - 0.5 * (x.square().sum(1) + d * std::log(2.0 * std::numbers::pi));
  }
  /// N(0, I) → white codes: the inverse.
  Tensor to_white(Tensor x) const {
    for (auto coupling = couplings.rbegin(); coupling != couplings.rend(); ++coupling) {
      const auto [log_scale, shift] = (*coupling)(x);
      x = x.index_copy(1, coupling->moved, x.index_select(1, coupling->moved) * log_scale.exp() + shift);
    }
    return x;
  }
  std::vector<Tensor> parameters() const {
    std::vector<Tensor> all;
    for (const Coupling& coupling : couplings) {
      all.insert(all.end(), coupling.weights.begin(), coupling.weights.end());
      all.push_back(coupling.largest_scale);
    }
    return all;
  }
};

/// Couplings that do nothing yet, in fp32.
std::vector<Coupling> identity_couplings(int64_t d, Rng& rng) {
  std::vector<Coupling> couplings;
  Tensor order;
  for (int64_t i = 0; i < kCouplings; ++i) {
    if (i % 2 == 0) order = at::randperm(d, rng.generator(), at::kLong);
    const int64_t half = d / 2;
    const Tensor first = order.narrow(0, 0, half), second = order.narrow(0, half, d - half);
    Coupling coupling{i % 2 == 0 ? first : second, i % 2 == 0 ? second : first, {}, {}};
    const int64_t hidden = std::min(kWidestLayer, 2 * d + 16), moved = coupling.moved.size(0);
    std::vector<int64_t> widths = {coupling.kept.size(0), hidden, hidden};
    for (size_t layer = 0; layer + 1 < widths.size(); ++layer) {
      coupling.weights.push_back(at::randn({widths[layer + 1], widths[layer]}, rng.generator(), at::kFloat) *
                                 std::sqrt(2.0 / static_cast<double>(std::max<int64_t>(1, widths[layer]))));
      coupling.weights.push_back(at::zeros({widths[layer + 1]}));
    }
    coupling.weights.push_back(at::zeros({2 * moved, hidden}));
    coupling.weights.push_back(at::zeros({2 * moved}));
    coupling.largest_scale = at::ones({moved});
    couplings.push_back(std::move(coupling));
  }
  return couplings;
}

/// Trains on white codes for `epochs`; with held-out ones, until they stop getting likelier, and returns the best
/// number of epochs with their log density then.
std::pair<int, double> train(Flow& flow, const Tensor& white, const Tensor& held_out, int epochs, Rng& rng,
                             Progress& progress) {
  std::vector<Tensor> parameters = flow.parameters();
  for (Tensor& parameter : parameters) parameter.requires_grad_();
  torch::optim::AdamW optimizer(parameters, torch::optim::AdamWOptions(kLearningRate).weight_decay(kWeightDecay));
  const auto held_out_density = [&] {
    const torch::NoGradGuard no_grad;
    return held_out.defined() ? flow.white_log_density(held_out).mean().item<double>() : 0.0;
  };
  int best = 0;
  double best_density = held_out_density();
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    for (const Tensor& rows : at::randperm(white.size(0), rng.generator(), at::kLong).split(kBatch)) {
      progress.update("fitting a flow", epoch - 1, epochs);
      const Tensor codes = white.index_select(0, rows);
      const Tensor noise = at::randn(codes.sizes(), rng.generator(), at::kFloat);
      optimizer.zero_grad();
      (-flow.white_log_density(codes + kNoise * noise).mean()).backward();
      torch::nn::utils::clip_grad_norm_(parameters, 10.0);
      optimizer.step();
    }
    if (!held_out.defined()) continue;
    const double density = held_out_density();
    (epoch % 10 == 0 ? log_info : log_verbose)("epoch " + std::to_string(epoch) +
                                               ": held-out log density of white codes " + std::to_string(density));
    if (density > best_density) {
      best = epoch;
      best_density = density;
    }
    if (epoch - best >= kPatience) break;
  }
  for (Tensor& parameter : parameters) parameter.requires_grad_(false);
  return {best, best_density};
}

class FlowPrior : public Prior {
 public:
  FlowPrior(Flow flow, int64_t latent_tokens, int64_t latent_size)
      : flow_(std::move(flow)), latent_tokens_(latent_tokens), latent_size_(latent_size) {
    for (Coupling& coupling : flow_.couplings) {  // densities are sums of many numbers
      for (Tensor& weight : coupling.weights) weight = weight.to(at::kDouble);
      coupling.largest_scale = coupling.largest_scale.to(at::kDouble);
    }
  }

  Tensor sample(int64_t n, Rng& rng, double scale) const override {
    const Tensor noise = at::randn({n, latent_tokens_ * latent_size_}, rng.generator(), at::kDouble) * scale;
    return flow_.base.colour(flow_.to_white(noise)).to(at::kFloat).view({n, latent_tokens_, latent_size_});
  }
  Tensor log_density(const Tensor& codes) const override {
    return flow_.white_log_density(flow_.base.whiten(codes.to(at::kDouble).flatten(1))) -
           flow_.base.factor.diagonal().log().sum();
  }
  TensorMap tensors() const override {
    TensorMap all = {{"mean", flow_.base.mean}, {"factor", flow_.base.factor}};
    for (size_t i = 0; i < flow_.couplings.size(); ++i) {
      const Coupling& coupling = flow_.couplings[i];
      const std::string prefix = "coupling." + std::to_string(i) + ".";
      all[prefix + "kept"] = coupling.kept.contiguous();
      all[prefix + "moved"] = coupling.moved.contiguous();
      all[prefix + "largest_scale"] = coupling.largest_scale.to(at::kFloat);
      for (size_t j = 0; j < coupling.weights.size(); ++j)
        all[prefix + "weights." + std::to_string(j)] = coupling.weights[j].to(at::kFloat);
    }
    return all;
  }

 private:
  Flow flow_;
  int64_t latent_tokens_, latent_size_;
};

PriorFit fit_flow(const Tensor& codes, const PriorFitOptions& options, Progress& progress) {
  if (options.components > 0)
    throw ConfigError("a flow has no components", std::to_string(options.components), "", "gmm has some");
  const CodeSplit split = split_codes(codes, options.seed);
  const int64_t d = codes.size(1) * codes.size(2);
  if (d < 2)
    throw DataError("a flow needs codes of two numbers or more", std::to_string(d), "", "gaussian and gmm take fewer");
  const auto fit = [&](const Tensor& train_codes, const Tensor& held_out, int epochs) {
    Rng rng(options.seed);
    Flow flow{fit_shrunk_gaussian(train_codes), identity_couplings(d, rng)};
    const auto white = [&flow](const Tensor& x) { return x.defined() ? flow.base.whiten(x).to(at::kFloat) : x; };
    const auto [best, density] = train(flow, white(train_codes), white(held_out), epochs, rng, progress);
    const double log_volume = flow.base.factor.diagonal().log().sum().item<double>();
    return std::tuple{std::move(flow), best, density - log_volume};
  };
  const auto [judged, epochs, density] = fit(split.train, split.held_out, kMostEpochs);
  if (epochs == 0)
    log_warning(
        "no epoch made held-out codes likelier: the flow stays the Gaussian it starts from (more texts may help)");
  log_info("fitting to all codes: " + std::to_string(epochs) + " epochs");
  auto [flow, unused_epochs, unused_density] =
      fit(codes.to(at::kCPU, at::kDouble).flatten(1), Tensor(), epochs);  // as long as was best
  PriorFit result;
  result.prior = std::make_unique<FlowPrior>(std::move(flow), codes.size(1), codes.size(2));
  result.facts = {
      {"couplings", kCouplings}, {"epochs", epochs}, {"codes", codes.size(0)}, {"held_out_log_density", density}};
  return result;
}

std::unique_ptr<Prior> load_flow(const TensorMap& tensors, int64_t latent_tokens, int64_t latent_size) {
  const int64_t d = latent_tokens * latent_size;
  const auto tensor = [&tensors](const std::string& name, const std::vector<int64_t>& sizes, at::ScalarType dtype) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw CheckpointError("no tensor " + name);
    if (found->second.sizes() != at::IntArrayRef(sizes)) throw CheckpointError("tensor " + name + " has a wrong shape");
    if (!found->second.isfinite().all().item<bool>())
      throw CheckpointError("tensor " + name + " has numbers that are not finite");
    return found->second.to(dtype);
  };
  const auto length = [&tensors](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw CheckpointError("no tensor " + name);
    if (found->second.dim() == 0) throw CheckpointError("tensor " + name + " has a wrong shape");
    return found->second.size(0);
  };
  Flow flow{{tensor("mean", {d}, at::kDouble), tensor("factor", {d, d}, at::kDouble)}, {}};
  if (!(flow.base.factor.diagonal() > 0).all().item<bool>())
    throw CheckpointError("tensor factor has a diagonal that is not positive");
  for (int64_t i = 0; tensors.contains("coupling." + std::to_string(i) + ".kept"); ++i) {
    const std::string prefix = "coupling." + std::to_string(i) + ".";
    const int64_t kept = length(prefix + "kept"), moved = d - kept, hidden = length(prefix + "weights.0");
    if (kept > d) throw CheckpointError("tensor " + prefix + "kept has a wrong shape");
    Coupling coupling{tensor(prefix + "kept", {kept}, at::kLong), tensor(prefix + "moved", {moved}, at::kLong), {}, {}};
    if (!std::get<0>(at::cat({coupling.kept, coupling.moved}).sort()).equal(at::arange(d)))
      throw CheckpointError("tensors " + prefix + "kept and moved do not share out the code");
    const std::vector<std::vector<int64_t>> shapes = {{hidden, kept},      {hidden},   {hidden, hidden}, {hidden},
                                                      {2 * moved, hidden}, {2 * moved}};
    for (size_t j = 0; j < shapes.size(); ++j)
      coupling.weights.push_back(tensor(prefix + "weights." + std::to_string(j), shapes[j], at::kDouble));
    coupling.largest_scale = tensor(prefix + "largest_scale", {moved}, at::kDouble);
    flow.couplings.push_back(std::move(coupling));
  }
  if (flow.couplings.empty()) throw CheckpointError("no tensor coupling.0.kept");
  return std::make_unique<FlowPrior>(std::move(flow), latent_tokens, latent_size);
}

const Register<PriorKind> registered(prior_kinds(), {"flow",
                                                     "RealNVP, an invertible network trained on the codes",
                                                     {fit_flow, load_flow}});

}  // namespace
}  // namespace tvae
