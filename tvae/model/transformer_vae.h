// The model: T5 encoder → bottleneck → code → T5 decoder, on a token stream.
#pragma once

#include <memory>

#include "tvae/config/run_config.h"
#include "tvae/model/bag_of_words.h"
#include "tvae/model/bottleneck.h"
#include "tvae/model/critic.h"
#include "tvae/model/noise.h"
#include "tvae/model/token_stream.h"
#include "tvae/nn/decoder.h"
#include "tvae/nn/encoder.h"

namespace tvae {

/// What one pass gives; scalars are differentiable.
struct ForwardResult {
  Posterior posterior = Posterior::deterministic({});
  torch::Tensor code;  // [B, K, D] what was decoded: the mode, or a sample in training
  Memory memory;
  EncoderStates encoded;
  torch::Tensor decoder_states;  // [T, d] of the batch's tokens, after the final norm
  CrossEntropy reconstruction;   // summed over tokens
};

/// Weights that only losses use, saved with the model.
struct TrainingHeads {
  std::optional<Critic> critic;            // with model.critic_block_sizes
  std::optional<BagOfWords> bag_of_words;  // with model.bag_of_words
};

class TransformerVae {
 public:
  /// Fresh weights drawn from `rng`; on the meta device, shapes alone. Throws ConfigError for impossible
  /// configurations.
  TransformerVae(const ModelConfig& config, Rng& rng, torch::Device device = torch::kCPU);
  /// With stored weights, as fp32 or int8 on the CPU. Throws CheckpointError, naming `source`, where they are not this
  /// model's, before memory is taken for weights of other sizes.
  TransformerVae(const ModelConfig& config, WeightMap weights, const std::string& source);
  TransformerVae(TransformerVae&&) = default;

  /// encode → sample → decode → cross-entropy; posterior sampling in training only.
  ForwardResult forward(const TokenStream& batch, const NoiseLevels& noise, const ForwardContext& context) const;

  /// Embeddings [T, d] of ids [T], of encoder and decoder.
  torch::Tensor embed(const torch::Tensor& ids) const { return shared_(ids); }
  /// `noisy_ids` [T]: the encoder's input, same layout as `batch.ids`.
  EncoderStates encoder_states(const torch::Tensor& noisy_ids, const Spans& spans, const ForwardContext& context) const;
  /// The same from embeddings [T, d] of the tokens, or what stands for them.
  EncoderStates encode_embeddings(const torch::Tensor& embeddings, const Spans& spans,
                                  const ForwardContext& context) const;
  /// Posterior of each sequence, in the order of the stream.
  Posterior encode(const TokenStream& batch, const ForwardContext& context = {}) const;
  Memory decode_latent(const torch::Tensor& code, const ForwardContext& context = {}) const;
  /// Teacher-forced decoder states [T, d] of the batch given the memory of its sequences in the order of the stream.
  torch::Tensor decoder_states(const TokenStream& batch, const Memory& memory, double decoder_token_mask,
                               const ForwardContext& context) const;

  const Bottleneck& bottleneck() const { return *bottleneck_; }
  const Decoder& decoder() const { return *decoder_; }
  const TrainingHeads& heads() const { return heads_; }
  const ModelConfig& config() const { return config_; }
  Parameters& parameters() { return *parameters_; }
  const Parameters& parameters() const { return *parameters_; }
  torch::Device device() const { return shared_.device(); }
  torch::ScalarType dtype() const { return shared_.dtype(); }  // of states and codes

 private:
  TransformerVae(const ModelConfig& config, std::unique_ptr<Parameters> parameters);
  /// Sequences as long as the encoder takes them, and the bottleneck needs them to be.
  Spans padded(const Spans& spans) const;

  ModelConfig config_;
  std::unique_ptr<Parameters> parameters_;
  Embedding shared_;  // of encoder and decoder
  std::unique_ptr<Encoder> encoder_;
  std::vector<torch::Tensor> encoder_weights_;
  std::unique_ptr<Bottleneck> bottleneck_;
  std::unique_ptr<Decoder> decoder_;
  TrainingHeads heads_;
};

/// Loads weights made for a vocabulary of `old_rows` ids into a model of as many or more: the rows of the further ids
/// keep their fresh values. Throws CheckpointError where a weight does not fit; `source` is named.
void load_with_fresh_rows(TransformerVae& vae, TensorMap weights, int64_t old_rows, const std::string& source);

}  // namespace tvae
