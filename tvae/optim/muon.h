// Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): the momentum of a matrix is orthogonalised before it is
// applied, so that every direction of the matrix moves equally far. Equal to torch.optim.Muon with its default
// adjust_lr_fn ("original").
#pragma once

#include "tvae/optim/adamw.h"

namespace tvae {

/// Whether Muon takes this parameter: a matrix with both sides at least 4. Left to AdamW are vectors, tables
/// (embeddings, the output projection), whose rows belong to tokens rather than to directions, and what has more than
/// two dimensions.
bool muon_takes(const NamedParameter& parameter);

/// An AdamW that treats the layers' matrices apart: they use muon.learning_rate, muon.momentum (Nesterov's) and
/// weight_decay of the configuration.
class Muon : public AdamW {
 public:
  Muon(const TrainConfig& config, std::vector<NamedParameter> parameters, const ParameterRule& decays);
  double step(double learning_rate_factor) override;

 private:
  struct Slot {
    torch::Tensor value, momentum;
    double weight_decay;
  };
  double learning_rate_, momentum_;
  std::vector<Slot> slots_;
};

/// Replaces each matrix U S Vᵀ by, roughly, U Vᵀ: five Newton-Schulz steps with Jordan's coefficients, after which the
/// singular values lie in about 0.5 to 1.5. On the CPU in fp32, or bf16 under Bf16Products, each thread with matrices
/// of its own (they stay in its cache, and the result does not depend on the number of threads); on a GPU in bf16,
/// batched by shape.
void orthogonalize(std::vector<torch::Tensor>& matrices);

}  // namespace tvae
