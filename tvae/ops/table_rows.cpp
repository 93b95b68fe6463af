#include "tvae/ops/table_rows.h"

#include <ATen/SequenceNumber.h>

#include "tvae/ops/backend.h"
#include "tvae/ops/twice_differentiable.h"

namespace tvae {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct TableRowsFunction : torch::autograd::Function<TableRowsFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& table, const Tensor& ids) {
    context->save_for_backward({ids});
    context->saved_data["rows"] = table.size(0);
    return at::embedding(table, ids);
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const Tensor ids = context->get_saved_variables()[0];
    const int64_t rows = context->saved_data["rows"].toInt(), d = gradients[0].size(-1);
    const Tensor values = gradients[0].reshape({-1, d});
    const Tensor places = ids.reshape({1, -1});
    // The meta device adds sparse tensors to others where they have no rows.
    const int64_t count = values.is_meta() ? 0 : values.size(0);
    return {at::_sparse_coo_tensor_unsafe(places.narrow(1, 0, count), values.narrow(0, 0, count), {rows, d}), Tensor()};
  }
};

struct LateGradient : torch::autograd::Node {
  /// The backward pass prefers nodes with high numbers.
  explicit LateGradient(torch::autograd::edge_list next) : Node(/*sequence_nr=*/0, std::move(next)) {}
  tensor_list apply(tensor_list&& gradients) override { return std::move(gradients); }
};

/// What a table has once its gradient is added to the one before it: dense, whatever came.
struct MakeDense : torch::autograd::PostAccumulateGradHook {
  void operator()(const torch::autograd::Variable& table) override {
    Tensor& gradient = table.mutable_grad();
    if (!gradient.defined()) return;
    if (!gradient.is_sparse())
      gradient = gradient.contiguous();
    else
      gradient =
          gradient.is_meta() ? at::empty(table.sizes(), table.options().requires_grad(false)) : gradient.to_dense();
  }
};

/// A node as autograd holds it: by std::shared_ptr in older libtorch.
template <class Node, class Pointer>
Pointer new_node(torch::autograd::edge_list next) {
  if constexpr (std::is_constructible_v<Pointer, std::shared_ptr<Node>>)
    return std::make_shared<Node>(std::move(next));
  else
    return c10::make_intrusive<Node>(std::move(next));
}

}  // namespace

Tensor table_rows(const Tensor& table, const Tensor& ids) {
  const bool differentiable = at::GradMode::is_enabled() && table.requires_grad();
  // Numbers are a thread's own, from 0 on. LateGradient has 0 and no other may: what comes first would be left to
  // chance, and the first step after a resume would add up in another order than it had without.
  if (differentiable && at::sequence_number::peek() == 0) at::sequence_number::get_and_increment();
  if (!differentiable || TwiceDifferentiable::enabled() || backend_of(table) == Backend::kStock)
    return at::embedding(table, ids);
  return TableRowsFunction::apply(table, ids);
}

Tensor with_late_gradient(const Tensor& x) {
  if (!at::GradMode::is_enabled() || !x.requires_grad()) return x;
  Tensor late = x.detach();
  using Pointer = decltype(torch::autograd::Edge::function);
  torch::autograd::create_gradient_edge(late, new_node<LateGradient, Pointer>(torch::autograd::collect_next_edges(x)));
  return late;
}

void take_gradients_of_rows(const Tensor& table) {
  if (table.requires_grad()) torch::autograd::impl::set_post_acc_grad_hooks(table, std::make_unique<MakeDense>());
}

}  // namespace tvae
