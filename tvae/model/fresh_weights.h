// The weights that a model needs beside those of a T5 that was trained elsewhere: drawn alone, since a T5 may be larger
// than the memory.
#pragma once

#include "tvae/nn/parameters.h"

namespace tvae {

/// Bottleneck and heads of training, named as in TransformerVae ("vae."), and with `encoder` a whole encoder. fp32,
/// CPU. Throws ConfigError for impossible configurations.
TensorMap fresh_weights_beside_t5(const ModelConfig& config, bool encoder, Rng& rng);

/// [rows, d_model]: rows of the embedding, or of an output projection of its own, as they start.
torch::Tensor fresh_rows(const ModelConfig& config, int64_t rows, Rng& rng);

}  // namespace tvae
