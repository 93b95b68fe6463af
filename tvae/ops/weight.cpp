#include "tvae/ops/weight.h"

#include <ATen/ops/_weight_int8pack_mm.h>

#include <algorithm>

#include "tvae/ops/linear.h"

namespace tvae {
namespace {

using torch::Tensor;

/// libtorch's kernel reads int8 weights once for a few rows of x. For more rows a product of dense numbers is faster,
/// although these have to be made first.
constexpr int64_t kFewRows = 16;
/// Numbers that are dense at a time: 1 MB in fp32, which stays in the cache of a core.
constexpr int64_t kBlock = 1 << 18;

Tensor dense_rows(const Tensor& values, const Tensor& scale) {
  return values.to(scale.scalar_type()).mul_(scale);
}

/// x [N, in], rows of adjacent numbers.
Tensor int8_product(const Tensor& x, const Weight& weight) {
  const int64_t outputs = weight.values.size(0);
  if (x.size(0) <= kFewRows && x.is_cpu() && x.scalar_type() == at::kFloat)
    return at::_weight_int8pack_mm(x, weight.values, weight.scale.flatten());
  const Tensor y = at::empty({x.size(0), outputs}, x.options().requires_grad(false));
  const int64_t block = std::max<int64_t>(1, kBlock / std::max<int64_t>(1, x.size(1)));
  for (int64_t first = 0; first < outputs; first += block) {
    const int64_t count = std::min(block, outputs - first);
    const Tensor dense = dense_rows(weight.values.narrow(0, first, count), weight.scale.narrow(0, first, count));
    matrix_product_out(y.narrow(1, first, count), x, dense.t(), /*beta=*/0.0);
  }
  return y;
}

}  // namespace

Tensor Weight::dense() const {
  return is_int8() ? dense_rows(values, scale) : values;
}

Tensor Weight::rows(const Tensor& ids) const {
  const Tensor found = at::embedding(values, ids);
  return is_int8() ? dense_rows(found, at::embedding(scale, ids)) : found;
}

Tensor linear(const Tensor& x, const Weight& weight, const Tensor& bias) {
  const bool wants_gradient = at::GradMode::is_enabled() && x.requires_grad();
  if (!weight.is_int8() || wants_gradient)  // dense for as long as the gradient is to come
    return tvae::linear(x, weight.dense(), bias);
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.values.size(0);
  const Tensor y = int8_product(x.reshape({-1, x.size(-1)}).contiguous(), weight).view(shape);
  return bias.defined() ? y + bias : y;
}

}  // namespace tvae
