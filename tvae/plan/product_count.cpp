#include "tvae/plan/product_count.h"

#include <cstring>

#include "tvae/ops/torch.h"

namespace tvae {
namespace {

// libtorch takes a plain function.
thread_local double* counted = nullptr;

/// The place of the first factor among the arguments; the second one follows. -1 for what is no product.
int first_factor(const char* operation) {
  for (const char* name : {"aten::mm", "aten::bmm"})
    if (std::strcmp(operation, name) == 0) return 0;
  for (const char* name : {"aten::addmm", "aten::baddbmm"})
    if (std::strcmp(operation, name) == 0) return 1;
  return -1;
}

std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& function) {
  const int first = first_factor(function.name());
  if (counted == nullptr || first < 0) return nullptr;
  const auto inputs = function.inputs();
  const torch::Tensor& a = inputs[static_cast<size_t>(first)].toTensor();
  const torch::Tensor& b = inputs[static_cast<size_t>(first) + 1].toTensor();
  *counted += 2.0 * static_cast<double>(a.numel()) * static_cast<double>(b.size(-1));
  return nullptr;
}

}  // namespace

ProductCount::ProductCount()
    : handle_(at::addThreadLocalCallback(
          at::RecordFunctionCallback(count).needsInputs(true).scopes({at::RecordScope::FUNCTION}))) {
  counted = &operations_;
}

ProductCount::~ProductCount() {
  counted = nullptr;
  at::removeCallback(handle_);
}

}  // namespace tvae
