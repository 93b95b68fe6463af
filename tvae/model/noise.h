// Noise that training adds to what is read, to the code, and to what is written.
#pragma once

#include "tvae/config/run_config.h"
#include "tvae/nn/parameters.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// All zero in evaluation.
struct NoiseLevels {
  double encoder_token_mask = 0.0;  // share of encoder input tokens replaced by unknown
  double latent_dropout = 0.0;
  double decoder_token_mask = 0.0;    // share of decoder input tokens replaced by unknown
  double encoder_token_random = 0.0;  // share of encoder input tokens replaced by a random id
  double latent_mix = 0.0;            // codes move up to this share of the way to another sequence's
};

/// ids [T] with two shares of them replaced in training: by unknown, and by an id drawn from the model's vocabulary.
/// The end of a sequence, the decoder's start and unknown stay.
torch::Tensor replace_tokens(const torch::Tensor& ids, double unknown, double random, const ModelConfig& model,
                             const ForwardContext& context);

/// Codes [B, K, D], each moved towards another of the batch by a share of the way drawn from [0, most]: along the arc
/// that slerp takes where two codes are as long and at right angles, so that N(0, I) stays N(0, I).
torch::Tensor mixed_codes(const torch::Tensor& codes, double most, const ForwardContext& context);

}  // namespace tvae
