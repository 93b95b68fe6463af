#include "tvae/model/noise.h"

#include <numbers>

namespace tvae {

using torch::Tensor;

Tensor replace_tokens(const Tensor& ids, double unknown, double random, const ModelConfig& model,
                      const ForwardContext& context) {
  if (!context.training || unknown + random <= 0) return ids;
  const Tensor drawn = at::rand(ids.sizes(), context.rng->generator(), at::kFloat).to(ids.device());
  Tensor noisy = at::where(drawn < unknown, at::full_like(ids, model.unk_token_id), ids);
  if (random > 0) {
    const Tensor any = at::randint(model.vocab_size, ids.sizes(), context.rng->generator(), at::kLong);
    noisy = at::where((drawn >= unknown).logical_and(drawn < unknown + random), any.to(ids.device()), noisy);
  }
  const Tensor special =
      (ids == model.eos_token_id).logical_or(ids == model.decoder_start_token_id).logical_or(ids == model.unk_token_id);
  return at::where(special, ids, noisy);
}

Tensor mixed_codes(const Tensor& codes, double most, Rng& rng) {
  const int64_t sequences = codes.size(0);
  if (sequences < 2) return codes;
  const Tensor share = at::rand({sequences, 1, 1}, rng.generator(), at::kFloat).mul_(most * 0.5 * std::numbers::pi);
  const Tensor others = codes.detach().roll(1 + at::randint(sequences - 1, {1}, rng.generator()).item<int64_t>(), 0);
  return codes * share.cos().to(codes) + others * share.sin().to(codes);
}

}  // namespace tvae
