// Models small enough for a test, over a byte tokenizer.
#pragma once

#include <string>
#include <vector>

#include "tvae/config/run_config.h"
#include "tvae/data/token_cache.h"
#include "tvae/model/transformer_vae.h"
#include "tvae/text/tokenizer.h"

namespace tvae::test {

/// Shrinks any configuration: same structure, few and narrow layers.
inline void shrink(ModelConfig& model) {
  model.d_model = model.bottleneck == "fc" ? 104 : 16;
  model.d_kv = 8;
  model.d_ff = 24;
  model.num_heads = 2;
  model.encoder_layers = model.decoder_layers = 2;
  model.funnel.block_sizes = "1_1";
  model.funnel.d_inner = 0;
  if (!model.critic_block_sizes.empty()) model.critic_block_sizes = "1_1";
  if (model.attention_window.size > 0) model.attention_window.size = 5;
  model.latent_tokens = std::min<int64_t>(model.latent_tokens, 3);
  model.latent_size = std::min<int64_t>(model.latent_size, 6);
  model.sequence_length = 16;
  model.vocab_size = 259;  // bytes
}

inline ModelConfig tiny_config(const std::string& bottleneck) {
  ModelConfig model;
  model.bottleneck = bottleneck;
  if (bottleneck != "queries") model.posterior = "deterministic";
  if (bottleneck == "queries") model.queries_bottleneck.latent_layers = 1;
  if (bottleneck == "fc") model.latent_tokens = 1;
  if (bottleneck == "tokens") model.encoder = "funnel";
  shrink(model);
  return model;
}

inline Tokenizer byte_tokenizer() {
  TokenizerTraining training;
  training.kind = "byte";
  return train_tokenizer({"any"}, training);
}

inline const std::vector<std::string>& lines() {
  static const std::vector<std::string> some = {"x = 1",   "y = x + 2", "return y", "pass",     "del x",   "if x:",
                                                "f(x, y)", "a[0] = b",  "i += 1",   "print(x)", "x = [1]", "b = not a"};
  return some;
}

inline TokenDataset tiny_dataset(const Tokenizer& tokenizer) {
  TokenizeOptions options;
  options.max_tokens = 16;
  return TokenDataset::from_texts(lines(), tokenizer, options);
}

/// A batch of all lines.
inline TokenBatch tiny_batch(const Tokenizer& tokenizer) {
  const TokenDataset data = tiny_dataset(tokenizer);
  std::vector<std::vector<int32_t>> sequences;
  for (int64_t i = 0; i < data.size(); ++i) sequences.emplace_back(data.sequence(i).begin(), data.sequence(i).end());
  return make_token_batch(sequences);
}

}  // namespace tvae::test
