#include "tvae/ops/linear_cross_entropy.h"

#include "tvae/base/assert.h"
#include "tvae/ops/backend.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/linear_cross_entropy_cpu.h"
#include "tvae/ops/table_rows.h"

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kChunkElements = 1 << 24;  // logits alive at once: 64 MB in fp32

/// Rows that are worked on together.
struct Chunk {
  Tensor logits;         // [n, V], overwritten
  Tensor targets;        // [n] int64
  Tensor weights;        // [n] or undefined
  Tensor nats, correct;  // [n], results
};

/// Fills in the results and gives the logits' gradient where it is wanted.
Tensor cross_entropy_composed(const Chunk& chunk, double scale, bool want_gradient) {
  const Tensor target = chunk.targets.unsqueeze(1);
  Tensor logits = chunk.logits;
  if (scale != 1.0) logits.mul_(scale);
  logits = logits.to(chunk.nats.scalar_type());  // fp32 for half precision
  chunk.correct.copy_((logits.argmax(1, true) == target).squeeze(1));
  const Tensor picked = logits.gather(1, target), log_sum = at::logsumexp(logits, 1, true);
  chunk.nats.copy_((log_sum - picked).squeeze(1));
  if (!want_gradient) return {};
  logits.sub_(log_sum).exp_();  // probabilities, then (p - onehot) · weight · scale
  logits.scatter_add_(1, target, at::full_like(picked, -1.0));
  if (chunk.weights.defined()) logits.mul_(chunk.weights.unsqueeze(1));
  if (scale != 1.0) logits.mul_(scale);
  return logits.to(chunk.logits.scalar_type());
}

Tensor cross_entropy_by_kernel(const Chunk& chunk, double scale, bool want_gradient) {
  if (chunk.logits.is_meta()) return chunk.logits;
  AT_DISPATCH_FLOATING_TYPES(chunk.logits.scalar_type(), "cross_entropy", [&] {
    cpu::CrossEntropyRows<scalar_t> rows;
    rows.logits = chunk.logits.data_ptr<scalar_t>();
    rows.targets = chunk.targets.const_data_ptr<int64_t>();
    rows.weights = chunk.weights.defined() ? chunk.weights.const_data_ptr<scalar_t>() : nullptr;
    rows.nats = chunk.nats.data_ptr<scalar_t>();
    rows.correct = chunk.correct.data_ptr<bool>();
    rows.rows = chunk.logits.size(0);
    rows.vocabulary = chunk.logits.size(1);
    rows.scale = scale;
    rows.want_gradient = want_gradient;
    cpu::cross_entropy(rows);
  });
  return chunk.logits;
}

struct LinearCrossEntropyFunction : torch::autograd::Function<LinearCrossEntropyFunction> {
  static tensor_list forward(AutogradContext* context, const Tensor& states, const Tensor& projection,
                             const Tensor& targets, const std::optional<Tensor>& token_weights, double scale,
                             bool want_gradient) {
    const int64_t tokens = states.size(0), vocabulary = projection.size(0);
    const int64_t chunk_size = logit_rows(tokens, vocabulary);
    const bool is_double = states.scalar_type() == at::kDouble;
    const bool has_kernel = backend_of(states) == Backend::kCpu;
    const Tensor ids = targets.contiguous();
    const auto wide = states.options().dtype(is_double ? at::kDouble : at::kFloat);
    const Tensor weights = token_weights ? token_weights->to(wide.dtype()).contiguous() : Tensor();
    Tensor nats = at::empty({tokens}, wide), correct = at::empty({tokens}, wide.dtype(at::kBool));
    Tensor d_states, d_projection;
    if (want_gradient) {
      // Rows of adjacent numbers, whatever the strides of states and projection.
      d_states = at::empty(states.sizes(), states.options());
      d_projection = at::empty(projection.sizes(), projection.options());
    }
    const Tensor table = product_operand(projection), logits = at::empty({chunk_size, vocabulary}, states.options());
    for (int64_t start = 0; start < tokens; start += chunk_size) {
      const int64_t n = std::min(chunk_size, tokens - start);
      const auto rows_of = [&](const Tensor& x) { return x.defined() ? x.narrow(0, start, n) : x; };
      const Tensor h = product_operand(rows_of(states));
      const Chunk chunk{logits.narrow(0, 0, n), rows_of(ids), rows_of(weights), rows_of(nats), rows_of(correct)};
      matrix_product_out(chunk.logits, h, table.t(), /*beta=*/0.0);
      const Tensor found = has_kernel ? cross_entropy_by_kernel(chunk, scale, want_gradient)
                                      : cross_entropy_composed(chunk, scale, want_gradient);
      if (!want_gradient) continue;
      const Tensor d_logits = product_operand(found);
      matrix_product_out(rows_of(d_states), d_logits, table, /*beta=*/0.0);
      matrix_product_out(d_projection, d_logits.t(), h, /*beta=*/start == 0 ? 0.0 : 1.0);
    }
    const Tensor loss = weights.defined() ? (nats * weights).sum() : nats.sum();
    if (want_gradient) context->save_for_backward({d_states, d_projection});
    context->mark_non_differentiable({nats, correct});
    return {loss, nats, correct};
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    Tensor d_states = saved[0], d_projection = saved[1];
    const Tensor factor = gradients[0].to(d_states.scalar_type());
    if (!factor.device().is_cpu() || factor.item<double>() != 1.0) {
      // In place, because the matrix is large. Going backward twice would scale it twice: autograd refuses to, as it
      // sees that a saved tensor has changed.
      d_states.mul_(factor);
      d_projection.mul_(factor);
    }
    return {d_states, d_projection, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

int64_t logit_rows(int64_t tokens, int64_t vocabulary) {
  const int64_t most = std::max<int64_t>(kChunkElements / vocabulary, 16);
  const int64_t chunks = (tokens + most - 1) / most;
  return (tokens + chunks - 1) / chunks;
}

CrossEntropy linear_cross_entropy(const Tensor& states, const Tensor& projection, const Tensor& targets,
                                  const Tensor& token_weights, double scale) {
  TVAE_ASSERT(states.size(0) > 0, "there are tokens");
  const bool want_gradient = at::GradMode::is_enabled() && (states.requires_grad() || projection.requires_grad());
  const std::optional<Tensor> weights = token_weights.defined() ? std::optional<Tensor>(token_weights) : std::nullopt;
  const tensor_list results =
      LinearCrossEntropyFunction::apply(states, with_late_gradient(projection), targets, weights, scale, want_gradient);
  return {results[0], results[1], results[2]};
}

CrossEntropy cross_entropy_of(const std::function<Tensor(const Tensor&)>& logits, const Tensor& states,
                              const Tensor& targets, int64_t vocabulary) {
  TVAE_ASSERT(states.size(0) > 0, "there are tokens");
  const torch::NoGradGuard no_grad;
  const int64_t tokens = states.size(0), chunk_size = logit_rows(tokens, vocabulary);
  const bool has_kernel = backend_of(states) == Backend::kCpu;
  const auto wide = states.options().dtype(states.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  const Tensor ids = targets.contiguous();
  const CrossEntropy result{{}, at::empty({tokens}, wide), at::empty({tokens}, wide.dtype(at::kBool))};
  for (int64_t start = 0; start < tokens; start += chunk_size) {
    const int64_t n = std::min(chunk_size, tokens - start);
    const auto rows_of = [&](const Tensor& x) { return x.narrow(0, start, n); };
    const Chunk chunk{logits(rows_of(states)), rows_of(ids), {}, rows_of(result.token_nats), rows_of(result.correct)};
    has_kernel ? cross_entropy_by_kernel(chunk, 1.0, /*want_gradient=*/false)
               : cross_entropy_composed(chunk, 1.0, /*want_gradient=*/false);
  }
  return {result.token_nats.sum(), result.token_nats, result.correct};
}

}  // namespace tvae
