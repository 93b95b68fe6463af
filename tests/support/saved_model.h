// A tiny model with random weights on bytes, saved and loaded as the verbs do.
#pragma once

#include <string>

#include "tests/support/tiny_model.h"
#include "tvae/run/model_directory.h"

namespace tvae::test {

/// Codes of 2 × 4; sequences of at most 24 tokens.
inline Model saved_model(const std::string& directory, const std::string& posterior = "gaussian",
                         const std::string& check = "none") {
  ModelConfig config = tiny_config("queries");
  config.latent_tokens = 2;
  config.latent_size = 4;
  config.queries_bottleneck.latent_layers = 0;  // random ones would make all outputs alike
  config.posterior = posterior;
  const Tokenizer tokenizer = byte_tokenizer();
  config.vocab_size = tokenizer.size();
  Rng rng(1);
  const TransformerVae vae(config, rng);
  save_model(directory, config, /*max_tokens=*/24, check, vae.parameters().to_map(), tokenizer);
  return load_model(directory);
}

}  // namespace tvae::test
