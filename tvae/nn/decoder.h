// Decoders: input ids of a token stream and a memory → states of each token, and from these the logits of the next one.
#pragma once

#include <memory>
#include <vector>

#include "tvae/config/run_config.h"
#include "tvae/nn/memory.h"
#include "tvae/nn/parameters.h"
#include "tvae/ops/linear_cross_entropy.h"
#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// What a decoder remembers of the tokens so far while it writes.
class DecoderCache {
 public:
  virtual ~DecoderCache() = default;
};

class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Makes the projection onto the vocabulary, which is the embedding itself where model.tie_word_embeddings is on. The
  /// last weight of a model: weights are drawn in the order in which they are made.
  virtual void make_output(const Scope& scope) = 0;

  /// inputs [T]: ids, each the one before the token that it predicts; spans: every sequence's. States [T, d], after the
  /// final norm.
  virtual torch::Tensor forward(const torch::Tensor& inputs, const Spans& spans, const Memory& memory,
                                const ForwardContext& context) const = 0;

  /// A row for each sequence of the memory, of at most `capacity` tokens.
  virtual std::unique_ptr<DecoderCache> make_cache(const Memory& memory, int64_t capacity) const = 0;
  /// The sequences of `memory` take the places of what stood in `rows`.
  virtual void replace_rows(DecoderCache& cache, const std::vector<int64_t>& rows, const Memory& memory) const = 0;
  /// One step: ids at `positions` of the cache's `rows` (A of each) → states [A, d]. Evaluation only.
  virtual torch::Tensor step(const std::vector<int64_t>& ids, const std::vector<int64_t>& rows,
                             const std::vector<int64_t>& positions, DecoderCache& cache) const = 0;

  /// Logits [T, V] of states. Gradients pass through, twice under TwiceDifferentiable, where they are enabled.
  virtual torch::Tensor logits(const torch::Tensor& states) const = 0;
  /// Cross-entropy of the ids `targets` [T] given the states that predict them.
  virtual CrossEntropy cross_entropy(const torch::Tensor& states, const torch::Tensor& targets) const = 0;
};

/// T5's decoder stack; names under `scope`. Its input embedding is given, as it may be the encoder's too.
std::unique_ptr<Decoder> make_decoder(const Scope& scope, const ModelConfig& config, const Embedding& embedding);

}  // namespace tvae
