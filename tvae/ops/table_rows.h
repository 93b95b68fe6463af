// Rows of a table of embeddings, with a gradient no larger than the rows.
#pragma once

#include "tvae/ops/torch.h"

namespace tvae {

/// The rows `ids` [...] of table [V, d]: [..., d]. Differentiable in the table. On the CPU that gradient is a sparse
/// tensor, so that no matrix of zeros is made and added where there is a dense one; take_gradients_of_rows() makes
/// dense what has none.
torch::Tensor table_rows(const torch::Tensor& table, const torch::Tensor& ids);

/// x itself, whose gradient by this way goes back after all else that is ready. Autograd adds what is dense to what is
/// sparse in place, but copies the dense one where it comes first.
torch::Tensor with_late_gradient(const torch::Tensor& x);

/// Makes the gradient of a table that is trained dense before it is kept, whichever way it came about. Once a table,
/// before table_rows().
void take_gradients_of_rows(const torch::Tensor& table);

}  // namespace tvae
