// Losses on codes between those of a batch (Transformer-VAE 2021): each code is moved toward a
// partner's, decoded greedily, and what comes out is read again.
//
// With z̃ the moved code, h̃ the decoder's states on its own output, B' the codes, a the ratios:
//   cycle       w/B' · mean(1 − cos(Enc(h̃ as embeddings), z̃))
//   vae_cycle   w/B' · mean(1 − cos(encode(decode(z̃)), z̃)), the bottleneck alone
//   critic      model: w/B' · mean score(h̃), after critic_min_steps, through h̃ alone;
//               critic: (MSE(score(h of real text), 0) + MSE(score(h̃), a)) / 2B'
//   smoothness  w · how fast the decoder's output changes with a: logits = ‖∂‖logits‖/∂a‖, logits_mean = mean
//               ∂mean(logits)/∂a, cosine = root mean square over random directions v of ∂(v · ĥ)/∂a, ĥ the states at
//               unit length (the published definition cannot be computed)
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tvae/model/regularizer.h"
#include "tvae/model/transformer_vae.h"

namespace tvae {

class InterpolationLosses {
 public:
  /// Throws ConfigError where the model lacks the critic.
  InterpolationLosses(const LossConfig& loss, const ModelConfig& model);

  bool any() const;
  struct Result {
    torch::Tensor loss;  // undefined where nothing was due
    StepMetrics metrics;
  };
  /// Takes the codes and decoder states of a micro-batch in; every loss.interpolation_every optimizer steps gives the
  /// losses over all that was taken in since.
  Result operator()(const TransformerVae& vae, const ForwardResult& forward, const Spans& spans,
                    const TrainingPosition& position, const ForwardContext& context);

  /// What was taken in so far, for the checkpoint.
  TensorMap state() const;
  void load_state(const TensorMap& saved);

 private:
  struct Remembered {
    torch::Tensor codes;    // [B, K, D]
    torch::Tensor states;   // [T, d]
    torch::Tensor lengths;  // [B]
  };
  torch::Tensor smoothness(const TransformerVae& vae, const TokenStream& batch, const torch::Tensor& codes,
                           const ForwardContext& context) const;

  LossConfig loss_;
  std::vector<Remembered> remembered_;
};

}  // namespace tvae
