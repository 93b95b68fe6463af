// The words of a sequence from its code alone, whatever their order (Zhao et al. 2017): a loss that keeps codes from
// being ignored.
#pragma once

#include "tvae/config/run_config.h"
#include "tvae/model/token_stream.h"
#include "tvae/nn/parameters.h"
#include "tvae/ops/torch.h"

namespace tvae {

class BagOfWords {
 public:
  /// One linear layer from the whole code to the vocabulary.
  BagOfWords(const Scope& scope, const ModelConfig& config);

  /// Log-probabilities of the words given codes [B, K, D]: [B, V], fp32.
  torch::Tensor operator()(const torch::Tensor& code) const;
  /// −Σ_tokens log p(word | code), summed over the batch.
  torch::Tensor nats(const torch::Tensor& code, const TokenStream& batch) const;

 private:
  Linear words_;
};

}  // namespace tvae
