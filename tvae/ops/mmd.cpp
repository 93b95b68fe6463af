#include "tvae/ops/mmd.h"

#include <algorithm>

#include "tvae/base/assert.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/mmd_cpu.h"

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// Σ K over squared distances, fp64. With `want_slope`, dK/ds takes their place.
Tensor sum_of_kernels(Tensor& squared, double dimensions, bool want_slope) {
  const auto wide = squared.options().dtype(at::kDouble);
  if (squared.is_meta()) return at::empty({}, wide);
  if (backend_of(squared) == Backend::kCpu) {
    double sum = 0.0;
    AT_DISPATCH_FLOATING_TYPES(squared.scalar_type(), "multiquadric", [&] {
      sum = cpu::multiquadric_sum(squared.data_ptr<scalar_t>(), squared.numel(), dimensions, want_slope);
    });
    return at::full({}, sum, wide);
  }
  Tensor value, slope;
  for (const double scale : cpu::kMultiquadricScales) {
    const double c = 2.0 * dimensions * scale;
    const Tensor term = c * at::reciprocal(squared + c);
    value = value.defined() ? value + term : term;
    if (want_slope) slope = slope.defined() ? slope - term.square() / c : -term.square() / c;
  }
  const Tensor sum = value.sum(at::kDouble);
  if (want_slope) squared = slope;
  return sum;
}

/// Σ_ij K(x_i, y_j), fp64, without i = j where y is x. The gradient is x's, and where y is x that of both sides.
struct MultiquadricSum : torch::autograd::Function<MultiquadricSum> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& y, bool y_is_x, bool want_gradient) {
    Tensor squared = squared_distances(x, y);
    if (y_is_x) squared.fill_diagonal_(0.0);
    const Tensor sum = sum_of_kernels(squared, static_cast<double>(x.size(1)), want_gradient);
    if (want_gradient) {
      const Tensor gradient = squared.sum(1, true) * x - at::mm(squared, y);
      context->save_for_backward({gradient * (y_is_x ? 4.0 : 2.0)});
    }
    const double diagonal = y_is_x ? static_cast<double>(cpu::kMultiquadricScales.size() * x.size(0)) : 0.0;
    return sum - diagonal;
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const Tensor saved = context->get_saved_variables()[0];
    return {saved * gradients[0].to(saved), Tensor(), Tensor(), Tensor()};
  }
};

/// Σ K over the pairs of x and y; `same`: over those of x's different rows.
Tensor pairs_with(const Tensor& x, const Tensor& y, bool same = false) {
  return MultiquadricSum::apply(x, y, same, at::GradMode::is_enabled() && x.requires_grad());
}

/// Mean of K over the pairs of rows of x.
Tensor mean_of_pairs(const Tensor& x) {
  const auto n = static_cast<double>(x.size(0));
  return pairs_with(x, x, /*same=*/true) / (n * (n - 1.0));
}

}  // namespace

Tensor squared_distances(const Tensor& x, const Tensor& y) {
  const Tensor x_norm = x.square().sum(1, true), y_norm = y.square().sum(1, true);
  return (x_norm + y_norm.t() - 2.0 * at::mm(x, y.t())).clamp_min(0.0);
}

Tensor gaussian_mmd(const Tensor& t, const Tensor& z, double bandwidth) {
  const auto d = static_cast<double>(z.size(1));
  const double width = bandwidth > 0 ? bandwidth : d * d;
  const auto mean_kernel = [&](const Tensor& a, const Tensor& b) {
    return (squared_distances(a, b) * (-1.0 / width)).exp().mean();
  };
  return mean_kernel(t, t) + mean_kernel(z, z) - 2.0 * mean_kernel(t, z);
}

Tensor multiquadric_mmd(const Tensor& x, const Tensor& y, const Tensor& past) {
  const Tensor others = past.defined() ? past.detach() : x.new_empty({0, x.size(1)});
  const Tensor fixed = y.detach();
  const auto n = static_cast<double>(x.size(0)), q = static_cast<double>(others.size(0)),
             m = static_cast<double>(y.size(0));
  TVAE_ASSERT(n + q >= 2 && m >= 2, "an unbiased MMD needs two samples a side");
  const int64_t rows = q > 0 ? std::max<int64_t>(x.size(0), 2) : y.size(0);  // for pairs without x
  const auto first = [rows](const Tensor& of) { return of.narrow(0, 0, std::min(rows, of.size(0))); };

  Tensor among = pairs_with(x, x.detach(), /*same=*/true), between = pairs_with(x, fixed);
  if (q > 0) {
    const Tensor some = first(others), drawn = first(fixed);
    const auto pairs = static_cast<double>(some.size(0) * drawn.size(0));
    among = among + 2.0 * pairs_with(x, others);
    if (q > 1) among = among + q * (q - 1.0) * mean_of_pairs(some);
    between = between + q * m * pairs_with(some, drawn) / pairs;
  }
  const Tensor within = mean_of_pairs(first(fixed));
  return (among / ((n + q) * (n + q - 1.0)) + within - 2.0 * between / ((n + q) * m)).to(x.scalar_type());
}

}  // namespace tvae
