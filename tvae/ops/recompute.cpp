#include "tvae/ops/recompute.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/saved_variable.h>

#include "tvae/base/assert.h"

namespace tvae {

using torch::Tensor;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

namespace {

/// How this libtorch counts references to nodes: std::shared_ptr up to 2.11, c10::intrusive_ptr later.
using NodePointer = decltype(torch::autograd::Edge::function);

using Body = std::function<Tensor(const std::vector<Tensor>&)>;

/// The place of a body in the graph. A torch::autograd::Function would not do: it takes a fixed number of tensors.
struct CheckpointNode : torch::autograd::Node {
  Body body;
  std::vector<SavedVariable> tensors;  // the inputs, then the weights: in the order of the edges
  size_t inputs = 0;

  std::string name() const override { return "CheckpointBackward"; }

  variable_list apply(variable_list&& gradients) override {
    TVAE_ASSERT(!at::GradMode::is_enabled(), "a checkpointed part has no second derivative");
    const NodePointer self = getptr();
    variable_list given, wanted;
    for (size_t i = 0; i < tensors.size(); ++i) {
      Tensor tensor = tensors[i].unpack(self);
      if (i < inputs) {
        tensor = tensor.detach().requires_grad_(tensor.requires_grad());
        given.push_back(tensor);
      }
      if (tensor.requires_grad()) wanted.push_back(tensor);
    }
    const at::AutoGradMode with_gradients(true);
    const variable_list found =
        torch::autograd::grad({body(given)}, wanted, {gradients[0]}, /*retain_graph=*/std::nullopt,
                              /*create_graph=*/false, /*allow_unused=*/true);
    variable_list result(tensors.size());
    for (size_t i = 0, next = 0; i < result.size(); ++i)
      if (next_edge(i).is_valid()) result[i] = found[next++];
    return result;
  }

  void release_variables() override {
    for (SavedVariable& tensor : tensors) tensor.reset_data();
    body = nullptr;
  }
};

template <class Made, class Pointer>
Pointer make_node() {
  if constexpr (std::is_same_v<Pointer, std::shared_ptr<torch::autograd::Node>>)
    return std::make_shared<Made>();
  else
    return c10::make_intrusive<Made>();
}

}  // namespace

Tensor recompute(const Body& body, const std::vector<Tensor>& inputs, const std::vector<Tensor>& weights) {
  variable_list tensors = inputs;
  tensors.insert(tensors.end(), weights.begin(), weights.end());
  if (!at::GradMode::is_enabled() || !torch::autograd::any_variable_requires_grad(tensors)) return body(inputs);
  Tensor output;
  {
    const torch::NoGradGuard keep_nothing;
    output = body(inputs).detach();
  }
  const NodePointer node = make_node<CheckpointNode, NodePointer>();
  auto& made = static_cast<CheckpointNode&>(*node);
  made.body = body;
  made.inputs = inputs.size();
  for (const Tensor& tensor : tensors) made.tensors.emplace_back(tensor, /*is_output=*/false);
  node->set_next_edges(torch::autograd::collect_next_edges(tensors));
  torch::autograd::create_gradient_edge(output, node);
  return output;
}

}  // namespace tvae
