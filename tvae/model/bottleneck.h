// Bottlenecks: encoder states → posterior over the code, and code → what the decoder attends to. A registered one is
// found by name, model.bottleneck.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "tvae/base/registry.h"
#include "tvae/model/posterior.h"
#include "tvae/nn/encoder.h"
#include "tvae/nn/memory.h"
#include "tvae/nn/parameters.h"

namespace tvae {

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
  /// rebuild them; nullopt for the others.
  virtual std::optional<torch::Tensor> reconstruction_error(const EncoderStates& encoded, const Memory& memory) const {
    return std::nullopt;
  }
};

/// What a bottleneck can, and what it asks for; known from the configuration, before anything is built.
struct BottleneckTraits {
  bool has_variance = false;     // its posterior is Gaussian
  bool fixed_length = false;     // reads and rebuilds model.sequence_length states of every sequence, no more, no fewer
  bool rebuilds_states = false;  // reconstruction_error() is there
  bool codes_are_states = false;  // one code for each of the encoder's first states, so at most as many as there are
};
/// Throws ConfigError for an unknown model.bottleneck.
BottleneckTraits bottleneck_traits(const ModelConfig& config);

/// Where codes are states there are no more of them than the encoder gives for the longest sequence, and
/// model.latent_tokens -1 becomes all of them; inputs are then padded (model.pad_inputs), so that every sequence has as
/// many. Other bottlenecks stay as they are.
void settle_latent_tokens_and_padding(ModelConfig& model);

/// The first `count` states of each sequence [B, count, d].
torch::Tensor first_states(const EncoderStates& encoded, int64_t count);

struct BottleneckKind {
  std::function<std::unique_ptr<Bottleneck>(const Scope&, const ModelConfig&)> make;
  std::function<BottleneckTraits(const ModelConfig&)> traits = [](const ModelConfig&) { return BottleneckTraits{}; };
};

/// By name, model.bottleneck. Each registers itself in a file of its own.
Registry<BottleneckKind>& bottlenecks();
/// Throws ConfigError with the known names.
std::unique_ptr<Bottleneck> make_bottleneck(const Scope& scope, const ModelConfig& config);

}  // namespace tvae
