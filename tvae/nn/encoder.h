// Encoders: embeddings of a token stream → states of each sequence. Found by name, model.encoder.
#pragma once

#include <memory>

#include "tvae/config/run_config.h"
#include "tvae/nn/parameters.h"
#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// Encoder output with its layout.
struct EncoderStates {
  torch::Tensor states;  // [T, d]
  Spans spans;           // one a sequence, end to end, padded rows included
  Spans token_spans;     // the rows among them, from the first, that stand for real tokens only
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Rows of states for a sequence of `length` rows of embeddings.
  virtual int64_t rows(int64_t length) const = 0;
  /// embeddings [T, d]. `spans`: the rows of every sequence, end to end; `token_spans`: those among them, from the
  /// first, that may be attended to (equal to spans unless the input is padded).
  virtual EncoderStates forward(const torch::Tensor& embeddings, const Spans& spans, const Spans& token_spans,
                                const ForwardContext& context) const = 0;
};

/// States of a sequence of `length` rows, without building the encoder.
int64_t encoder_rows(const ModelConfig& config, int64_t length);

/// The encoder that config.encoder names: t5 or funnel. Throws ConfigError where it cannot be built.
std::unique_ptr<Encoder> make_encoder(const Scope& scope, const ModelConfig& config);

}  // namespace tvae
