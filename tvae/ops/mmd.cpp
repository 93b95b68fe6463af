#include "tvae/ops/mmd.h"

#include "tvae/base/assert.h"

namespace tvae {
namespace {

using torch::Tensor;

Tensor multiquadric_kernel(const Tensor& squared, double dimensions) {
  Tensor sum;
  for (const double factor : {0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0}) {
    const double c = 2.0 * dimensions * factor;
    const Tensor term = c * at::reciprocal(squared + c);
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

/// Mean over i ≠ j; the diagonal is the kernel at distance 0, which is 7.
Tensor mean_off_diagonal(const Tensor& gram) {
  const auto n = static_cast<double>(gram.size(0));
  return (gram.sum() - gram.diagonal().sum()) / (n * (n - 1.0));
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

Tensor multiquadric_mmd(const Tensor& x, const Tensor& y) {
  TVAE_ASSERT(x.size(0) >= 2 && y.size(0) >= 2, "an unbiased MMD needs two samples a side");
  const auto d = static_cast<double>(x.size(1));
  return mean_off_diagonal(multiquadric_kernel(squared_distances(x, x), d)) +
         mean_off_diagonal(multiquadric_kernel(squared_distances(y, y), d)) -
         2.0 * multiquadric_kernel(squared_distances(x, y), d).mean();
}

}  // namespace tvae
