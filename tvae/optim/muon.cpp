#include "tvae/optim/muon.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tvae/ops/linear.h"

namespace tvae {
namespace {

// Jordan's quintic a x + b x³ + c x⁵: steepest at 0 among those that keep the singular values near 1.
constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
constexpr int kNewtonSchulzSteps = 5;
constexpr double kSmallestNorm = 1e-7;
constexpr int64_t kSmallestSide = 4;

/// beta c + alpha a b of matrices, or of batches of matrices.
torch::Tensor multiply_add(const torch::Tensor& c, const torch::Tensor& a, const torch::Tensor& b, double beta,
                           double alpha) {
  if (c.dim() == 3) return at::baddbmm(c, a, b, beta, alpha);
  torch::Tensor out = c.clone();
  matrix_product_out(out, a, b, beta, alpha);
  return out;
}

/// A matrix [rows, columns] or a batch of them [n, rows, columns]; the result has the same shape and dtype.
torch::Tensor newton_schulz(const torch::Tensor& matrices) {
  // The products are square in the rows: let these be the smaller side.
  const bool tall = matrices.size(-2) > matrices.size(-1);
  torch::Tensor x = tall ? matrices.transpose(-2, -1) : matrices;
  x = x / at::linalg_vector_norm(x, 2, at::IntArrayRef{-2, -1}, /*keepdim=*/true).clamp_min_(kSmallestNorm);
  x = x.to(x.is_cuda() || Bf16Products::enabled() ? at::kBFloat16 : at::kFloat).contiguous();
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    const torch::Tensor transposed = x.transpose(-2, -1);
    const torch::Tensor gram = x.dim() == 3 ? at::bmm(x, transposed) : matrix_product(x, transposed);
    const torch::Tensor polynomial = multiply_add(gram, gram, gram, kB, kC);
    x = multiply_add(x, polynomial, x, kA, 1.0);
  }
  return (tall ? x.transpose(-2, -1) : x).to(matrices.scalar_type());
}

void orthogonalize_on_gpu(std::vector<torch::Tensor>& matrices) {
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> by_shape;
  for (size_t i = 0; i < matrices.size(); ++i) by_shape[{matrices[i].size(0), matrices[i].size(1)}].push_back(i);
  for (const auto& [shape, places] : by_shape) {
    std::vector<torch::Tensor> batch;
    for (const size_t place : places) batch.push_back(matrices[place]);
    const std::vector<torch::Tensor> results = newton_schulz(at::stack(batch)).unbind();
    for (size_t i = 0; i < places.size(); ++i) matrices[places[i]] = results[i];
  }
}

void orthogonalize_on_cpu(std::vector<torch::Tensor>& matrices) {
  const int64_t threads = at::get_num_threads();
  const bool in_bf16 = Bf16Products::enabled();
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // properties of the thread
    const Bf16Products rounded(in_bf16);
    const int64_t count = static_cast<int64_t>(matrices.size());
    // Dealt out in turn: neighbours have similar shapes, so every thread gets its share of the large ones.
    for (int64_t thread = begin; thread < end; ++thread)
      for (int64_t i = thread; i < count; i += threads) matrices[i] = newton_schulz(matrices[i]);
  });
}

}  // namespace

void orthogonalize(std::vector<torch::Tensor>& matrices) {
  if (matrices.empty()) return;
  matrices.front().is_cuda() ? orthogonalize_on_gpu(matrices) : orthogonalize_on_cpu(matrices);
}

bool muon_takes(const NamedParameter& parameter) {
  const torch::Tensor& value = parameter.value;
  return parameter.kind == WeightKind::kMatrix && value.dim() == 2 &&
         std::min(value.size(0), value.size(1)) >= kSmallestSide;
}

Muon::Muon(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays)
    : AdamW(config, std::move(parameters), decays, std::not_fn(muon_takes)),
      learning_rate_(config.muon.learning_rate),
      momentum_(config.muon.momentum) {
  for (const NamedParameter& parameter : parameters_) {
    if (!muon_takes(parameter)) continue;
    const torch::Tensor& value = parameter.value;
    slots_.push_back({value, add_state(parameter.name + "/momentum", value.sizes(), value.options()),
                      decays(parameter) ? config.weight_decay : 0.0});
  }
}

double Muon::step(double learning_rate_factor) {
  const double learning_rate_of_the_rest = AdamW::step(learning_rate_factor);
  const torch::NoGradGuard no_grad;
  const double learning_rate = learning_rate_ * learning_rate_factor;
  std::vector<torch::Tensor> values, gradients, momenta;
  std::vector<at::Scalar> shrinkage, step_sizes;
  for (const Slot& slot : slots_) {
    if (!slot.value.grad().defined()) continue;
    values.push_back(slot.value);
    gradients.push_back(slot.value.grad());
    momenta.push_back(slot.momentum);
    shrinkage.emplace_back(1.0 - learning_rate * slot.weight_decay);
    // "original" of torch.optim.Muon: a matrix with more rows than columns moves further, by the root of their ratio.
    const double ratio = static_cast<double>(slot.value.size(0)) / static_cast<double>(slot.value.size(1));
    step_sizes.emplace_back(-learning_rate * std::sqrt(std::max(1.0, ratio)));
  }
  if (values.empty()) return learning_rate_of_the_rest;
  at::_foreach_lerp_(momenta, gradients, 1.0 - momentum_);
  std::vector<torch::Tensor> directions = at::_foreach_lerp(gradients, momenta, momentum_);
  orthogonalize(directions);
  at::_foreach_mul_(directions, step_sizes);
  at::_foreach_mul_(values, shrinkage);
  at::_foreach_add_(values, directions);
  return learning_rate_of_the_rest;
}

namespace {

const Register<OptimizerFactory> registered(optimizers(),
                                            {"muon",
                                             "orthogonalised momentum for the layers' matrices, AdamW for the rest",
                                             construct_optimizer<Muon>});

}  // namespace

}  // namespace tvae
