#include "tvae/optim/gradients.h"

#include <cmath>

namespace tvae {

double clip_gradients(const std::vector<NamedParameter>& parameters, double max_norm) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const NamedParameter& parameter : parameters)
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  if (gradients.empty()) return 0.0;
  const double norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients))).item<double>();
  // 1e-6 as in PyTorch: the result is then never a rounding above max_norm.
  if (max_norm > 0 && norm > max_norm && std::isfinite(norm)) at::_foreach_mul_(gradients, max_norm / (norm + 1e-6));
  return norm;
}

}  // namespace tvae
