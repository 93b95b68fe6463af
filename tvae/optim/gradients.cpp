#include "tvae/optim/gradients.h"

#include <cmath>

namespace tvae {

torch::Tensor clip_gradients(const std::vector<NamedParameter>& parameters, double max_norm,
                             const std::function<torch::Tensor(const torch::Tensor&)>& of_all) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const NamedParameter& parameter : parameters)
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  torch::Tensor norm = at::zeros({}, at::TensorOptions(at::kDouble).device(parameters.front().value.device()));
  if (!gradients.empty()) norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients))).to(at::kDouble);
  if (of_all) norm = of_all(norm);
  if (max_norm <= 0 || gradients.empty()) return norm;
  constexpr double kEpsilon = 1e-6;  // as in PyTorch: the result is then never a rounding above max_norm
  if (!norm.is_cpu()) {
    at::_foreach_mul_(gradients, (max_norm / (norm + kEpsilon)).clamp_max(1.0).to(gradients.front().scalar_type()));
    return norm;
  }
  const double known = norm.item<double>();  // on the CPU, where asking costs nothing and multiplying does
  if (known > max_norm && std::isfinite(known)) at::_foreach_mul_(gradients, max_norm / (known + kEpsilon));
  return norm;
}

}  // namespace tvae
