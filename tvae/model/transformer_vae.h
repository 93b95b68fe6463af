// The model: T5 encoder → bottleneck → code → T5 decoder, on a token stream.
#pragma once

#include <memory>

#include "tvae/config/run_config.h"
#include "tvae/data/token_batch.h"
#include "tvae/model/bottleneck.h"
#include "tvae/model/critic.h"
#include "tvae/nn/encoder.h"
#include "tvae/nn/t5.h"
#include "tvae/ops/linear_cross_entropy.h"

namespace tvae {

/// A batch on the model's device.
struct TokenStream {
  torch::Tensor ids;  // [T] int64
  Spans spans;        // one a sequence, end to end
};
TokenStream to_stream(const TokenBatch& batch, torch::Device device);

/// Noise that training adds; all zero in evaluation.
struct NoiseLevels {
  double encoder_token_mask = 0.0;  // share of encoder input tokens replaced by unknown
  double latent_dropout = 0.0;
  double decoder_token_mask = 0.0;    // share of decoder input tokens replaced by unknown
  double encoder_token_random = 0.0;  // share of encoder input tokens replaced by a random id
  double latent_mix = 0.0;            // codes move up to this share of the way to another sequence's
};

/// What one pass gives; scalars are differentiable.
struct ForwardResult {
  Posterior posterior;
  torch::Tensor code;  // [B, K, D] what was decoded: mean, or mean + σ ε in training
  Memory memory;
  EncoderStates encoded;
  torch::Tensor decoder_states;  // [T, d] of the batch's tokens, after the final norm
  CrossEntropy reconstruction;   // summed over tokens
};

class TransformerVae {
 public:
  /// Fresh weights drawn from `rng`; on the meta device, shapes alone. Throws ConfigError for impossible
  /// configurations.
  TransformerVae(const ModelConfig& config, Rng& rng, torch::Device device = torch::kCPU);
  /// With stored weights, as fp32 on the CPU. Throws CheckpointError, naming `source`, where they are not this model's,
  /// before memory is taken for weights of other sizes.
  TransformerVae(const ModelConfig& config, TensorMap weights, const std::string& source);
  TransformerVae(TransformerVae&&) = default;

  /// encode → sample → decode → cross-entropy; posterior sampling in training only.
  ForwardResult forward(const TokenStream& batch, const NoiseLevels& noise, const ForwardContext& context) const;

  /// `noisy_ids` [T]: the encoder's input, same layout as `batch.ids`.
  EncoderStates encoder_states(const torch::Tensor& noisy_ids, const Spans& spans, const ForwardContext& context) const;
  /// The same from embeddings [T, d] of the tokens, or what stands for them.
  EncoderStates encode_embeddings(const torch::Tensor& embeddings, const Spans& spans,
                                  const ForwardContext& context) const;
  /// ids [T] with two shares of them replaced in training: by unknown, and by an id drawn from all. The end of a
  /// sequence, the decoder's start and unknown stay.
  torch::Tensor replace_tokens(const torch::Tensor& ids, double unknown, double random,
                               const ForwardContext& context) const;
  /// Posterior of each sequence, in the order of the stream.
  Posterior encode(const TokenStream& batch, const ForwardContext& context = {}) const;
  Memory decode_latent(const torch::Tensor& code, const ForwardContext& context = {}) const;
  /// Teacher-forced decoder states [T, d] of the batch given the memory of its sequences in the order of the stream.
  torch::Tensor decoder_states(const TokenStream& batch, const Memory& memory, double decoder_token_mask,
                               const ForwardContext& context) const;
  /// Cross-entropy of the batch's tokens given their decoder states.
  CrossEntropy cross_entropy(const TokenStream& batch, const torch::Tensor& decoder_states) const;
  /// Logits [T, V] that gradients pass through, twice if need be (logits() is for generation).
  torch::Tensor differentiable_logits(const torch::Tensor& decoder_states) const;
  /// Only with model.critic_block_sizes.
  const Critic& critic() const { return *critic_; }

  /// Log-probabilities of the words given the code alone [B, V]; only with model.bag_of_words.
  torch::Tensor bag_of_words(const torch::Tensor& code) const;

  /// For generation: embeddings [A, d] of token ids [A] with the latent's addition, one decoding step, logits [A, V].
  torch::Tensor embed(const torch::Tensor& ids) const;
  torch::Tensor logits(const torch::Tensor& states) const;
  const T5Stack& decoder() const { return decoder_; }
  const Bottleneck& bottleneck() const { return *bottleneck_; }

  const ModelConfig& config() const { return config_; }
  Parameters& parameters() { return *parameters_; }
  const Parameters& parameters() const { return *parameters_; }
  torch::Device device() const { return shared_.device(); }
  torch::ScalarType dtype() const { return shared_.scalar_type(); }

 private:
  TransformerVae(const ModelConfig& config, std::unique_ptr<Parameters> parameters);
  double logit_scale() const;

  ModelConfig config_;
  std::unique_ptr<Parameters> parameters_;
  torch::Tensor shared_;   // [V, d]
  torch::Tensor lm_head_;  // [V, d], the same tensor when tied
  std::unique_ptr<Encoder> encoder_;
  std::vector<torch::Tensor> encoder_weights_;
  T5Stack decoder_;
  std::unique_ptr<Bottleneck> bottleneck_;
  std::optional<Critic> critic_;
  Linear bag_of_words_;
};

/// Loads weights made for a vocabulary of `old_rows` ids into a model of as many or more: the rows of the further ids
/// keep their fresh values. Throws CheckpointError where a weight does not fit; `source` is named.
void load_with_fresh_rows(TransformerVae& vae, TensorMap weights, int64_t old_rows, const std::string& source);

}  // namespace tvae
