#include "tvae/model/fresh_weights.h"

#include "tvae/model/bag_of_words.h"
#include "tvae/model/bottleneck.h"
#include "tvae/model/critic.h"
#include "tvae/nn/encoder.h"

namespace tvae {

TensorMap fresh_weights_beside_t5(const ModelConfig& config, bool encoder, Rng& rng) {
  Parameters drawn(rng);
  const Scope root(drawn);
  if (encoder) make_encoder(root / "encoder", config);
  make_bottleneck(root / "vae", config);
  if (!config.critic_block_sizes.empty()) Critic(root / "vae" / "critic", config);
  if (config.bag_of_words) BagOfWords(root / "vae" / "bag_of_words", config);
  return drawn.to_map();
}

torch::Tensor fresh_rows(const ModelConfig& config, int64_t rows, Rng& rng) {
  return at::empty({rows, config.d_model}).normal_(0.0, config.initializer_factor, rng.generator());
}

}  // namespace tvae
