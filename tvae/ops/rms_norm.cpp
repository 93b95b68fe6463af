#include "tvae/ops/rms_norm.h"

#include "tvae/ops/backend.h"
#include "tvae/ops/rms_norm_cpu.h"
#include "tvae/ops/twice_differentiable.h"

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// In at least fp32, as T5LayerNorm has its statistics.
Tensor wide_of(const Tensor& x) {
  return at::isReducedFloatingType(x.scalar_type()) ? x.to(at::kFloat) : x;
}

/// 1 / root mean square of each row [..., 1].
Tensor inverse_scale(const Tensor& wide, double epsilon) {
  return at::rsqrt(wide.square().mean(-1, true) + epsilon);
}

struct RmsNormFunction : torch::autograd::Function<RmsNormFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight, double epsilon) {
    const Tensor x = input.contiguous();
    const int64_t d = x.size(-1), rows = x.numel() / d;
    Tensor out = at::empty_like(x), inverse = at::empty({rows}, x.options());
    context->save_for_backward({x, weight, inverse});
    if (x.is_meta()) return out;
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm", [&] {
      cpu::rms_norm_forward<scalar_t>(x.const_data_ptr<scalar_t>(), weight.const_data_ptr<scalar_t>(),
                                      out.data_ptr<scalar_t>(), inverse.data_ptr<scalar_t>(), rows, d, epsilon);
    });
    return out;
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &inverse = saved[2];
    const Tensor grad = gradients[0].contiguous();
    const int64_t d = x.size(-1), rows = x.numel() / d;
    Tensor dx = at::empty_like(x), dw = at::zeros({cpu::kRmsNormChunks, d}, x.options());
    if (x.is_meta()) return {dx, dw.sum(0), Tensor()};
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm_backward", [&] {
      cpu::rms_norm_backward<scalar_t>(grad.const_data_ptr<scalar_t>(), x.const_data_ptr<scalar_t>(),
                                       weight.const_data_ptr<scalar_t>(), inverse.const_data_ptr<scalar_t>(),
                                       dx.data_ptr<scalar_t>(), dw.data_ptr<scalar_t>(), rows, d);
    });
    return {dx, dw.sum(0), Tensor()};
  }
};

/// From stock operations, for other devices and types. Differentiated by hand, because autograd would keep three fp32
/// copies of every state.
struct StockRmsNormFunction : torch::autograd::Function<StockRmsNormFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, double epsilon) {
    const Tensor wide = wide_of(x), inverse = inverse_scale(wide, epsilon);
    context->save_for_backward({x, weight, inverse});
    return (wide * inverse).to(x.scalar_type()) * weight;
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &inverse = saved[2];
    const Tensor grad = wide_of(gradients[0]), normed = wide_of(x) * inverse;
    const Tensor weighted = grad * weight;
    const Tensor dx = inverse * (weighted - normed * (weighted * normed).mean(-1, true));
    const Tensor dw = (grad * normed).flatten(0, -2).sum(0);
    return {dx.to(x.scalar_type()), dw.to(weight.scalar_type()), Tensor()};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon) {
  if (!TwiceDifferentiable::enabled())
    return backend_of(x) == Backend::kCpu ? RmsNormFunction::apply(x, weight, epsilon)
                                          : StockRmsNormFunction::apply(x, weight, epsilon);
  const Tensor wide = wide_of(x);
  return (wide * inverse_scale(wide, epsilon)).to(x.scalar_type()) * weight;
}

}  // namespace tvae
