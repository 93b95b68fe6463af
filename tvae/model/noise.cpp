#include "tvae/model/noise.h"

#include <numbers>

#include "tvae/ops/on_device.h"

namespace tvae {

using torch::Tensor;

Tensor replace_tokens(const Tensor& ids, double unknown, double random, const ModelConfig& model,
                      const ForwardContext& context) {
  if (!context.training || unknown + random <= 0) return ids;
  const int64_t own = ids.size(0), all = context.share.rows(own), before = context.rows_before;
  const Tensor drawn =
      on_device(at::rand({all}, context.rng->generator(), at::kFloat).narrow(0, before, own), ids.device());
  Tensor noisy = at::where(drawn < unknown, at::full_like(ids, model.unk_token_id), ids);
  if (random > 0) {
    const Tensor any = at::randint(model.vocab_size, {all}, context.rng->generator(), at::kLong).narrow(0, before, own);
    noisy = at::where((drawn >= unknown).logical_and(drawn < unknown + random), on_device(any, ids.device()), noisy);
  }
  const Tensor special =
      (ids == model.eos_token_id).logical_or(ids == model.decoder_start_token_id).logical_or(ids == model.unk_token_id);
  return at::where(special, ids, noisy);
}

Tensor mixed_codes(const Tensor& codes, double most, const ForwardContext& context) {
  const BatchShare& batch = context.share;
  const int64_t own = codes.size(0), sequences = batch.sequences(own);
  if (sequences < 2) return codes;
  at::Generator generator = context.rng->generator();
  const Tensor share = at::rand({sequences, 1, 1}, generator, at::kFloat)
                           .narrow(0, batch.first, own)
                           .mul_(most * 0.5 * std::numbers::pi);
  const Tensor all = batch.is_part() ? batch.gather(codes.detach()) : codes.detach();
  const int64_t distance = 1 + at::randint(sequences - 1, {1}, context.rng->generator()).item<int64_t>();
  const Tensor others = all.roll(distance, 0).narrow(0, batch.first, own);
  return codes * on_device(share.cos(), codes.device()).to(codes) +
         others * on_device(share.sin(), codes.device()).to(codes);
}

}  // namespace tvae
