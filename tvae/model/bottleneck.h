// Bottlenecks: encoder states → posterior over the code, and code → what the decoder attends to. A registered one is
// found by name, model.bottleneck.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "tvae/nn/parameters.h"
#include "tvae/nn/t5.h"

namespace tvae {

/// Distribution of the code given a sequence. Without log_variance the code is its mean.
struct Posterior {
  torch::Tensor mean;                         // [B, K, D]
  std::optional<torch::Tensor> log_variance;  // [B, K, D]
};

/// Encoder output with its layout.
struct EncoderStates {
  torch::Tensor states;  // [T, d]
  Spans spans;           // one a sequence, padded rows included (see padded_length)
  Spans tokens;          // the rows of real tokens among them
};

class Bottleneck {
 public:
  virtual ~Bottleneck() = default;
  /// Rows the encoder must give for a sequence of `length` tokens; more than `length` for published systems that use
  /// the states of padding (which attends but is not attended to).
  virtual int64_t padded_length(int64_t length) const { return length; }
  virtual Posterior encode(const EncoderStates& encoded, const ForwardContext& context) const = 0;
  /// code [B, K, D] → memory of the decoder.
  virtual Memory decode(const torch::Tensor& code, const ForwardContext& context) const = 0;
  /// Mean squared error between the encoder's states and their reconstruction from the code, for bottlenecks that
  /// rebuild them (fc); nullopt for the others.
  virtual std::optional<torch::Tensor> reconstruction_error(const EncoderStates& encoded, const Memory& memory) const {
    return std::nullopt;
  }
};

using BottleneckFactory = std::function<std::unique_ptr<Bottleneck>(const Scope&, const ModelConfig&)>;

/// Name → factory. Add an entry in bottleneck.cpp and a file of its own.
const std::map<std::string, BottleneckFactory>& bottleneck_registry();
/// Throws ConfigError with the known names.
std::unique_ptr<Bottleneck> make_bottleneck(const Scope& scope, const ModelConfig& config);

std::unique_ptr<Bottleneck> make_fc_bottleneck(const Scope& scope, const ModelConfig& config);
std::unique_ptr<Bottleneck> make_flax_bottleneck(const Scope& scope, const ModelConfig& config);
std::unique_ptr<Bottleneck> make_queries_bottleneck(const Scope& scope, const ModelConfig& config);

}  // namespace tvae
