#include "tvae/ops/linear_cross_entropy.h"

#include "tvae/ops/linear.h"

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kChunkElements = 1 << 23;  // logits alive at once: 32 MB in fp32

struct LinearCrossEntropyFunction : torch::autograd::Function<LinearCrossEntropyFunction> {
  static tensor_list forward(AutogradContext* context, const Tensor& states, const Tensor& projection,
                             const Tensor& targets, const std::optional<Tensor>& optional_weights, double scale,
                             bool want_gradient) {
    const Tensor token_weights = optional_weights.value_or(Tensor());
    const int64_t tokens = states.size(0), vocabulary = projection.size(0);
    const int64_t chunk = std::clamp<int64_t>(kChunkElements / vocabulary, 16, std::max<int64_t>(tokens, 16));
    Tensor nats = at::empty({tokens}, states.options().dtype(at::kFloat));
    if (states.scalar_type() == at::kDouble) nats = nats.to(at::kDouble);
    Tensor correct = at::empty({tokens}, states.options().dtype(at::kBool));
    Tensor d_states, d_projection;
    if (want_gradient) {
      d_states = at::empty_like(states);
      d_projection = at::empty_like(projection);
    }
    for (int64_t start = 0; start < tokens; start += chunk) {
      const int64_t n = std::min(chunk, tokens - start);
      const Tensor h = states.narrow(0, start, n);
      const Tensor target = targets.narrow(0, start, n).unsqueeze(1);
      Tensor logits = matrix_product(h, projection.t());
      if (scale != 1.0) logits.mul_(scale);
      if (logits.scalar_type() == at::kBFloat16 || logits.scalar_type() == at::kHalf) logits = logits.to(at::kFloat);
      const Tensor picked = logits.gather(1, target);
      correct.narrow(0, start, n).copy_((logits.argmax(1, true) == target).squeeze(1));
      const Tensor log_sum = at::logsumexp(logits, 1, true);
      nats.narrow(0, start, n).copy_((log_sum - picked).squeeze(1));
      if (!want_gradient) continue;
      logits.sub_(log_sum).exp_();  // probabilities, then (p - onehot) · weight · scale
      logits.scatter_add_(1, target, at::full_like(picked, -1.0));
      if (token_weights.defined())
        logits.mul_((token_weights.narrow(0, start, n) * scale).unsqueeze(1));
      else if (scale != 1.0)
        logits.mul_(scale);
      const Tensor d_logits = logits.to(states.scalar_type());
      Tensor d_h = d_states.narrow(0, start, n);
      matrix_product_out(d_h, d_logits, projection, /*beta=*/0.0);
      matrix_product_out(d_projection, d_logits.t(), h, /*beta=*/start == 0 ? 0.0 : 1.0);
    }
    const Tensor loss = token_weights.defined() ? (nats * token_weights).sum() : nats.sum();
    if (want_gradient) context->save_for_backward({d_states, d_projection});
    context->mark_non_differentiable({nats, correct});
    return {loss, nats, correct};
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor factor = gradients[0].to(saved[0].scalar_type());
    if (factor.device().is_cpu() && factor.item<double>() == 1.0) return {saved[0], saved[1], Tensor(), Tensor(), Tensor(), Tensor()};
    return {saved[0] * factor, saved[1] * factor, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

CrossEntropy linear_cross_entropy(const Tensor& states, const Tensor& projection, const Tensor& targets,
                                  const Tensor& token_weights, double scale) {
  const bool want_gradient = at::GradMode::is_enabled() && (states.requires_grad() || projection.requires_grad());
  const std::optional<Tensor> weights = token_weights.defined() ? std::optional<Tensor>(token_weights) : std::nullopt;
  const tensor_list results = LinearCrossEntropyFunction::apply(states, projection, targets, weights, scale, want_gradient);
  return {results[0], results[1], results[2]};
}

}  // namespace tvae
