#include "tvae/optim/saved_state.h"

#include <sstream>

#include "tvae/base/error.h"

namespace tvae {
namespace {

std::string describe(const torch::Tensor& tensor) {
  std::ostringstream out;
  out << toString(tensor.scalar_type()) << " " << tensor.sizes();
  return out.str();
}

}  // namespace

void copy_saved_state(const TensorMap& saved, const TensorMap& state, const std::string& what,
                      const std::string& hint) {
  for (const auto& [name, tensor] : saved)
    if (!state.contains(name)) throw CheckpointError(what + " has a tensor this run does not know", name, "", hint);
  for (const auto& [name, tensor] : state) {
    const auto found = saved.find(name);
    if (found == saved.end()) throw CheckpointError(what + " lacks " + name, "", "", hint);
    if (found->second.sizes() != tensor.sizes() || found->second.scalar_type() != tensor.scalar_type())
      throw CheckpointError(what + ": " + name, describe(found->second), describe(tensor), hint);
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state) tensor.copy_(saved.at(name));
}

}  // namespace tvae
