// Bottlenecks: encoder states → posterior over the code, and code → what the decoder attends to. A registered one is
// found by name, model.bottleneck.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "tvae/base/registry.h"
#include "tvae/nn/encoder.h"
#include "tvae/nn/parameters.h"
#include "tvae/nn/t5.h"

namespace tvae {

/// Distribution of the code given a sequence. Without log_variance the code is its mean.
struct Posterior {
  torch::Tensor mean;                         // [B, K, D]
  std::optional<torch::Tensor> log_variance;  // [B, K, D]
};

class Bottleneck {
 public:
  virtual ~Bottleneck() = default;
  /// States the encoder must give for every sequence. Shorter ones are padded until it does: padding attends, but is
  /// not attended to, as in the published systems.
  virtual int64_t states_needed() const { return 1; }
  virtual Posterior encode(const EncoderStates& encoded, const ForwardContext& context) const = 0;
  /// code [B, K, D] → memory of the decoder.
  virtual Memory decode(const torch::Tensor& code, const ForwardContext& context) const = 0;
  /// The encoder states that a code stands for, before they are laid out as memory: encode() of them is near the code.
  virtual EncoderStates states_of_code(const torch::Tensor& code, const ForwardContext& context) const {
    const Memory memory = decode(code, context);
    return {memory.states, memory.spans, memory.spans};
  }
  /// Mean squared error between the encoder's states and their reconstruction from the code, for bottlenecks that
  /// rebuild them (fc); nullopt for the others.
  virtual std::optional<torch::Tensor> reconstruction_error(const EncoderStates& encoded, const Memory& memory) const {
    return std::nullopt;
  }
};

/// The tokens bottleneck has no more codes than the encoder gives states for the longest sequence. -1 becomes all of
/// them; inputs are then padded, so that every sequence has as many. Other bottlenecks stay as they are.
void settle_latent_tokens(ModelConfig& model);

/// The first `count` states of each sequence [B, count, d].
torch::Tensor first_states(const EncoderStates& encoded, int64_t count);

using BottleneckFactory = std::function<std::unique_ptr<Bottleneck>(const Scope&, const ModelConfig&)>;

/// By name, model.bottleneck. Each registers itself in a file of its own.
Registry<BottleneckFactory>& bottlenecks();
/// Throws ConfigError with the known names.
std::unique_ptr<Bottleneck> make_bottleneck(const Scope& scope, const ModelConfig& config);

}  // namespace tvae
