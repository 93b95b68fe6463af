// Figures of a VAE as a language model, from log densities. Codes are [N, d]: K and D flattened.
#pragma once

#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// Sums of the values [T] of a stream's tokens over each of its sequences: [spans], fp64, on the CPU.
torch::Tensor sequence_sums(const torch::Tensor& values, const Spans& spans);

/// log N(codes_n; means_n, exp(log_variances_n)) in nats: [N], fp64.
torch::Tensor gaussian_log_density(const torch::Tensor& codes, const torch::Tensor& means,
                                   const torch::Tensor& log_variances);

/// log q(codes_n), q being the mixture of all N posteriors in equal parts (the aggregated posterior): [N], fp64.
torch::Tensor aggregated_log_density(const torch::Tensor& codes, const torch::Tensor& means,
                                     const torch::Tensor& log_variances);

/// Mutual information of sequence and code in nats, E_x[E_q log q(z|x)] − E log q(z) (Hoffman and Johnson 2016), from
/// one code drawn from each posterior. At most log N.
double mutual_information(const torch::Tensor& codes, const torch::Tensor& means, const torch::Tensor& log_variances);

/// log 1/k Σ_i w_i of each row of log weights [N, k] (Burda et al. 2015): [N].
torch::Tensor importance_estimate(const torch::Tensor& log_weights);

}  // namespace tvae
