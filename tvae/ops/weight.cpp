#include "tvae/ops/weight.h"

#include <algorithm>

#include "tvae/base/assert.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/table_rows.h"
#include "tvae/ops/weight_cpu.h"

namespace tvae {
namespace {

using torch::Tensor;

/// For so few rows the kernel takes less time than making the weight dense for a product of dense numbers.
constexpr int64_t kFewRows = 16;
/// Weights that are made dense at a time, 4 MB in fp32: the memory stays small, and products are large enough.
constexpr int64_t kBlock = 1 << 20;

bool has_kernel(const Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && backend_of(x) == Backend::kCpu;
}

cpu::Int8Matrix matrix_of(const Tensor& values, const Tensor& scale) {
  TVAE_ASSERT(values.is_contiguous() && scale.is_contiguous(), "int8 weights lie as in their file");
  return {values.const_data_ptr<int8_t>(), scale.const_data_ptr<float>(), scale.numel(), values.size(-1)};
}

/// values [..., columns], scale [..., 1] → values · scale.
Tensor dense_rows(const Tensor& values, const Tensor& scale) {
  if (!has_kernel(scale)) return values.to(scale.scalar_type()).mul_(scale);
  const Tensor dense = at::empty(values.sizes(), scale.options());
  cpu::int8_to_dense(matrix_of(values, scale), dense.data_ptr<float>());
  return dense;
}

/// The product of integers: each row of x is rounded to 8 bits with a scale of its own, so that it does not depend on
/// the rows beside it.
Tensor product_of_integers(const Tensor& x, const Weight& weight) {
  const int64_t rows = x.size(0), inputs = x.size(1), outputs = weight.values.size(0);
  const Tensor values = at::empty({rows, inputs}, x.options().dtype(at::kChar)), scale = at::empty({rows}, x.options());
  cpu::quantize_rows(x.const_data_ptr<float>(), rows, inputs, values.data_ptr<int8_t>(), scale.data_ptr<float>());
  const Tensor sums = at::_int_mm(values, weight.values.t());
  // Numbers of equal size: they take the place of the sums.
  cpu::scale_sums(sums.data_ptr<int32_t>(), rows, outputs, scale.const_data_ptr<float>(),
                  weight.scale.const_data_ptr<float>());
  return sums.view(at::kFloat);
}

/// x [N, in], rows of adjacent numbers.
Tensor int8_product(const Tensor& x, const Weight& weight) {
  const int64_t rows = x.size(0), outputs = weight.values.size(0);
  // Of one input, oneDNN takes the rows for columns.
  if (has_kernel(x) && multiplies_integers() && rows > 0 && x.size(1) > 1)
    return product_of_integers(x.detach(), weight);
  const Tensor y = at::empty({rows, outputs}, x.options().requires_grad(false));
  if (y.numel() == 0) return y;
  if (rows <= kFewRows && has_kernel(x)) {
    const cpu::Int8Matrix matrix = matrix_of(weight.values, weight.scale);
    cpu::int8_product(x.const_data_ptr<float>(), rows, matrix, y.data_ptr<float>());
    return y;
  }
  const int64_t block = std::max<int64_t>(1, kBlock / std::max<int64_t>(1, x.size(1)));
  for (int64_t first = 0; first < outputs; first += block) {
    const int64_t count = std::min(block, outputs - first);
    const Tensor dense = dense_rows(weight.values.narrow(0, first, count), weight.scale.narrow(0, first, count));
    matrix_product_out(y.narrow(1, first, count), x, dense.t(), /*beta=*/0.0);
  }
  return y;
}

}  // namespace

bool multiplies_integers() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512vnni") && at::hasMKLDNN();
  return has;
#else
  return false;
#endif
}

Tensor Weight::dense() const {
  return is_int8() ? dense_rows(values, scale) : values;
}

Tensor Weight::rows(const Tensor& ids) const {
  if (!is_int8()) return table_rows(values, ids);
  return dense_rows(at::embedding(values, ids), at::embedding(scale, ids));
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
