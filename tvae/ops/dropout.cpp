#include "tvae/ops/dropout.h"

#include "tvae/base/mix64.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/dropout_cpu.h"
#include "tvae/ops/gated_gelu_cpu.h"
#include "tvae/ops/rng.h"
#include "tvae/ops/twice_differentiable.h"

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// The mask for devices without a kernel, from a generator seeded with the key: 0 or 1, since bf16 would round 1/(1-p).
/// It is drawn in the order of the elements, not of memory: the backward pass draws it again for a gradient whose
/// strides may be others.
Tensor keep_mask(const Tensor& x, double p, const RandomKey& key) {
  Tensor mask = at::empty(x.sizes(), x.options().requires_grad(false));
  if (x.is_meta()) return mask;
  at::Generator generator = at::globalContext().defaultGenerator(x.device()).clone();
  generator.set_current_seed(key.first_row == 0 ? key.key : mix64(key.key + static_cast<uint64_t>(key.first_row)));
  return mask.bernoulli_(1.0 - p, generator);
}

/// Place of the first number of x in the stream.
uint32_t first_number(const Tensor& x, const RandomKey& key) {
  return static_cast<uint32_t>(key.first_row * (x.dim() > 0 ? x.size(-1) : 1));
}

Tensor apply_dropout(const Tensor& x, const Tensor& residual, double p, const RandomKey& key) {
  if (backend_of(x) == Backend::kStock) {
    const Tensor base = residual.defined() ? residual : at::zeros({}, x.options().requires_grad(false));
    return at::addcmul(base, x, keep_mask(x, p, key), 1.0 / (1.0 - p));  // whose factor is in fp32, at least
  }
  const Tensor input = x.contiguous();
  const Tensor base = residual.defined() ? residual.contiguous() : residual;
  Tensor out = at::empty_like(input);
  if (out.is_meta()) return out;
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "dropout", [&] {
    cpu::dropout<scalar_t>(input.const_data_ptr<scalar_t>(), base.defined() ? base.const_data_ptr<scalar_t>() : nullptr,
                           out.data_ptr<scalar_t>(), input.numel(), p, key.key, first_number(input, key));
  });
  return out;
}

Tensor relu_and_drop(const Tensor& x, double p, const RandomKey& key) {
  if (backend_of(x) == Backend::kStock) return apply_dropout(at::relu(x), Tensor(), p, key);
  const Tensor input = x.contiguous(), out = at::empty_like(input);
  if (out.is_meta()) return out;
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "relu_dropout", [&] {
    cpu::relu_dropout<scalar_t>(input.const_data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), input.numel(), p, key.key,
                                first_number(input, key));
  });
  return out;
}

/// Where the output y is not above 0, the number was negative or dropped.
Tensor relu_and_drop_backward(const Tensor& d_y, const Tensor& y, double p) {
  if (backend_of(y) == Backend::kStock) return at::threshold_backward(d_y, y, 0).mul_(1.0 / (1.0 - p));
  const Tensor gradient = d_y.contiguous(), out = at::empty_like(y);
  if (out.is_meta()) return out;
  AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "relu_dropout_backward", [&] {
    cpu::relu_dropout_backward<scalar_t>(gradient.const_data_ptr<scalar_t>(), y.const_data_ptr<scalar_t>(),
                                         out.data_ptr<scalar_t>(), y.numel(), p);
  });
  return out;
}

struct DropoutFunction : torch::autograd::Function<DropoutFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const std::optional<Tensor>& residual, double p,
                        const RandomKey& key) {
    context->saved_data["p"] = p;
    context->saved_data["key"] = static_cast<int64_t>(key.key);
    context->saved_data["first_row"] = key.first_row;
    context->saved_data["residual"] = residual.has_value();
    return apply_dropout(x, residual.value_or(Tensor()), p, key);
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const double p = context->saved_data["p"].toDouble();
    const RandomKey key(static_cast<uint64_t>(context->saved_data["key"].toInt()),
                        context->saved_data["first_row"].toInt());
    const Tensor d_residual = context->saved_data["residual"].toBool() ? gradients[0] : Tensor();
    return {apply_dropout(gradients[0], Tensor(), p, key), d_residual, Tensor(), Tensor()};
  }
};

struct ReluDropoutFunction : torch::autograd::Function<ReluDropoutFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, double p, const RandomKey& key) {
    const Tensor y = relu_and_drop(x, p, key);
    context->save_for_backward({y});
    context->saved_data["p"] = p;
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const double p = context->saved_data["p"].toDouble();
    return {relu_and_drop_backward(gradients[0], context->get_saved_variables()[0], p), Tensor(), Tensor()};
  }
};

Tensor gated_gelu(const Tensor& gate, const Tensor& x) {
  if (backend_of(gate) == Backend::kStock) return at::gelu(gate, "tanh").mul_(x);
  const Tensor g = gate.contiguous(), factor = x.contiguous(), out = at::empty_like(g);
  if (out.is_meta()) return out;
  AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "gated_gelu", [&] {
    cpu::gated_gelu<scalar_t>(g.const_data_ptr<scalar_t>(), factor.const_data_ptr<scalar_t>(), out.data_ptr<scalar_t>(),
                              g.numel());
  });
  return out;
}

struct GatedGeluFunction : torch::autograd::Function<GatedGeluFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& x) {
    context->save_for_backward({gate, x});
    return gated_gelu(gate, x);
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &gate = saved[0], &x = saved[1], &dy = gradients[0];
    if (backend_of(gate) == Backend::kStock)
      return {at::gelu_backward(dy * x, gate, "tanh"), dy * at::gelu(gate, "tanh")};
    const Tensor d = dy.contiguous(), g = gate.contiguous(), factor = x.contiguous();
    const Tensor d_gate = at::empty_like(g), d_x = at::empty_like(g);
    if (!g.is_meta())
      AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "gated_gelu_backward", [&] {
        cpu::gated_gelu_backward<scalar_t>(d.const_data_ptr<scalar_t>(), g.const_data_ptr<scalar_t>(),
                                           factor.const_data_ptr<scalar_t>(), d_gate.data_ptr<scalar_t>(),
                                           d_x.data_ptr<scalar_t>(), g.numel());
      });
    return {d_gate, d_x};
  }
};

}  // namespace

Tensor dropout(const Tensor& x, double p, const RandomKey& key) {
  if (p <= 0) return x;
  if (TwiceDifferentiable::enabled()) return x * keep_mask(x.detach(), p, key) * (1.0 / (1.0 - p));
  return DropoutFunction::apply(x, std::optional<Tensor>(), p, key);
}

Tensor dropout_add(const Tensor& x, const Tensor& residual, double p, const RandomKey& key) {
  if (p <= 0) return residual + x;
  if (TwiceDifferentiable::enabled()) return residual + dropout(x, p, key);
  return DropoutFunction::apply(x, std::optional<Tensor>(residual), p, key);
}

Tensor relu_dropout(const Tensor& x, double p, const RandomKey& key) {
  if (p <= 0 || TwiceDifferentiable::enabled()) return dropout(at::relu(x), p, key);
  return ReluDropoutFunction::apply(x, p, key);
}

Tensor gated_gelu_dropout(const Tensor& gate, const Tensor& x, double p, const RandomKey& key) {
  if (TwiceDifferentiable::enabled()) return dropout(at::gelu(gate, "tanh") * x, p, key);
  const bool differentiable = at::GradMode::is_enabled() && (gate.requires_grad() || x.requires_grad());
  return dropout(differentiable ? GatedGeluFunction::apply(gate, x) : gated_gelu(gate, x), p, key);
}

}  // namespace tvae
