#include "tvae/latent/paths.h"

#include "tvae/base/assert.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr double kSmallestSine = 1e-6;

void check_ends(const Tensor& a, const Tensor& b, const Tensor& ratios) {
  TVAE_ASSERT(a.dim() == 2 && a.sizes() == b.sizes() && ratios.dim() == 1, "a path joins two codes [K, D]");
}

/// Of the last dimension: [..., 1], within [-1, 1].
Tensor cosine_of(const Tensor& a, const Tensor& b) {
  const Tensor norms = a.norm(2, -1, /*keepdim=*/true) * b.norm(2, -1, /*keepdim=*/true);
  return ((a * b).sum(-1, /*keepdim=*/true) / norms.clamp_min(1e-300)).clamp(-1.0, 1.0);
}

/// Whether two codes are parallel, opposite or zero: the arc between them is a line, or not unique.
Tensor has_no_arc(const Tensor& a, const Tensor& b) {
  const Tensor zero = (a.norm(2, -1, /*keepdim=*/true) * b.norm(2, -1, /*keepdim=*/true)) == 0.0;
  return (cosine_of(a, b).acos().sin() < kSmallestSine).logical_or(zero);
}

}  // namespace

Tensor slerp(const Tensor& a, const Tensor& b, const Tensor& ratios) {
  const Tensor a64 = a.to(at::kDouble), b64 = b.to(at::kDouble), t = ratios.to(at::kDouble);
  const Tensor straight = has_no_arc(a64.detach(), b64.detach());
  // Where there is no arc its formula is evaluated at other numbers, at a right angle: the derivatives of norm, acos
  // and quotient are not finite there, and where() would give their product with 0, NaN, to the codes.
  const Tensor from = at::where(straight, at::ones_like(a64), a64), to = at::where(straight, at::ones_like(b64), b64);
  const Tensor cosine = cosine_of(from, to);
  const Tensor angle = at::where(straight, at::zeros_like(cosine), cosine).acos(), sine = angle.sin();
  const Tensor weight_a = at::where(straight, 1.0 - t, ((1.0 - t) * angle).sin() / sine);
  const Tensor weight_b = at::where(straight, t, (t * angle).sin() / sine);
  return (weight_a * a64 + weight_b * b64).to(a.scalar_type());
}

Tensor lerp_path(const Tensor& a, const Tensor& b, const Tensor& ratios) {
  check_ends(a, b, ratios);
  const Tensor t = ratios.to(a.scalar_type()).view({-1, 1, 1});
  return (1.0 - t) * a + t * b;
}

Tensor slerp_path(const Tensor& a, const Tensor& b, const Tensor& ratios) {
  check_ends(a, b, ratios);
  return slerp(a.reshape({1, -1}), b.reshape({1, -1}), ratios.view({-1, 1})).view({-1, a.size(0), a.size(1)});
}

Tensor token_slerp_path(const Tensor& a, const Tensor& b, const Tensor& ratios) {
  check_ends(a, b, ratios);
  return slerp(a, b, ratios.view({-1, 1, 1}));
}

Registry<PathFunction>& paths() {
  static Registry<PathFunction> registry("path");
  return registry;
}

namespace {

const Register<PathFunction> straight(paths(), {"lerp", "straight line", lerp_path});
const Register<PathFunction> arc(paths(), {"slerp", "arc of the whole code", slerp_path});
const Register<PathFunction> arcs(paths(), {"token-slerp", "arc of each latent token", token_slerp_path});

}  // namespace

}  // namespace tvae
