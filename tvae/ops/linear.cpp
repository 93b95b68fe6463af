#include "tvae/ops/linear.h"

#include <ATen/Version.h>

#include "tvae/ops/backend.h"
#include "tvae/ops/twice_differentiable.h"

#ifdef TVAE_HAS_ONEDNN_MATMUL
namespace at::native {
// Exported by libtorch_cpu without an installed header; cmake/onednn_matmul.cmake checks that it links. It refuses to
// work without AVX-512.
TORCH_API void mkldnn_matmul(const Tensor& a, const Tensor& b, const Tensor& result, float beta, float alpha);
}  // namespace at::native
#endif

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

bool has_onednn(const Tensor& a) {
#ifdef TVAE_HAS_ONEDNN_MATMUL
  static const bool has_avx512 = at::get_cpu_capability() == "AVX512";
  return has_avx512 && a.device().is_cpu() && a.scalar_type() == at::kFloat && backend_of(a) == Backend::kCpu &&
         at::globalContext().userEnabledMkldnn();
#else
  return false;
#endif
}

Tensor linear_product(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  Tensor y = matrix_product(x, weight.t());
  if (bias) y.add_(*bias);
  return y;
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    return linear_product(x, weight, bias);
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], dy = gradients[0].contiguous(), rounded = product_operand(dy);
    tensor_list result(3);
    if (context->needs_input_grad(0)) result[0] = matrix_product(rounded, weight);
    if (context->needs_input_grad(1)) result[1] = matrix_product(rounded.t(), x);
    if (context->saved_data["bias"].toBool()) result[2] = dy.sum(0);
    return result;
  }
};

}  // namespace

bool has_bf16_products() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512bf16") && at::hasMKLDNN();
  return has;
#else
  return false;
#endif
}

Tensor product_operand(const Tensor& x) {
  return Bf16Products::enabled() && x.scalar_type() == at::kFloat ? x.to(at::kBFloat16) : x;
}

void matrix_product_out(Tensor out, const Tensor& a, const Tensor& b, double beta, double alpha) {
  if (Bf16Products::enabled() && out.scalar_type() == at::kFloat) {
    const Tensor product = at::mm(product_operand(a), product_operand(b));
    if (beta == 0) {
      out.copy_(product);
      if (alpha != 1) out.mul_(alpha);
    } else {
      if (beta != 1) out.mul_(beta);
      out.add_(product, alpha);
    }
    return;
  }
  if (!has_onednn(a) || a.size(1) == 0) {  // oneDNN leaves a sum of nothing as it was
    at::addmm_out(out, out, a, b, beta, alpha);
    return;
  }
#ifdef TVAE_HAS_ONEDNN_MATMUL
  at::native::mkldnn_matmul(a, b, out, static_cast<float>(beta), static_cast<float>(alpha));
#endif
}

Tensor matrix_product(const Tensor& a, const Tensor& b) {
  const bool is_fp32 = a.scalar_type() == at::kFloat || b.scalar_type() == at::kFloat;
  if (Bf16Products::enabled() && is_fp32) return at::mm(product_operand(a), product_operand(b)).to(at::kFloat);
  if (!has_onednn(a)) return at::mm(a, b);
  Tensor out = at::empty({a.size(0), b.size(1)}, a.options());
  if (out.numel() > 0) matrix_product_out(out, a, b, 0.0);
  return out;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const bool differentiable = at::GradMode::is_enabled() &&
                              (x.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad()));
  const bool rounds = Bf16Products::enabled() && x.scalar_type() == at::kFloat;
  if (!(has_onednn(x) || rounds) || TwiceDifferentiable::enabled())
    return at::linear(x, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
  const Tensor rows = x.reshape({-1, x.size(-1)}).contiguous();
  const std::optional<Tensor> b = bias.defined() ? std::optional<Tensor>(bias) : std::nullopt;
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  if (!differentiable) return linear_product(rows, weight, b).view(shape);
  return LinearFunction::apply(rows, weight, b).view(shape);
}

}  // namespace tvae
