#include "tvae/train/held_out_scores.h"

#include <algorithm>

#include "tvae/data/batcher.h"

namespace tvae {
namespace {

constexpr int64_t kEvaluationBatchTokens = 4096;

}  // namespace

HeldOutScores evaluate_held_out(const TransformerVae& vae, const TokenDataset& data, int64_t max_sequences) {
  const torch::NoGradGuard no_grad;
  BatchOptions options;
  options.batch_tokens = kEvaluationBatchTokens;
  const int64_t limit = max_sequences > 0 ? std::min(max_sequences, data.size()) : data.size();
  options.shuffle = limit < data.size();  // a file may be sorted
  Batcher batcher(data, options);
  double nats = 0, correct = 0;
  std::optional<double> kl;
  int64_t tokens = 0, sequences = 0;
  while (sequences < limit) {
    const TokenStream batch = to_stream(batcher.next(), vae.device());
    const ForwardResult forward = vae.forward(batch, {}, {});
    nats += forward.reconstruction.loss.item<double>();
    correct += forward.reconstruction.correct.sum().item<double>();
    if (forward.posterior.has_variance())  // in fp32 where the model computes in bf16, and summed in fp64
      kl = kl.value_or(0.0) + forward.posterior.to(at::kFloat).rate().sum(at::kDouble).item<double>();
    tokens += batch.ids.size(0);
    sequences += static_cast<int64_t>(batch.spans.size());
  }
  HeldOutScores scores{nats / static_cast<double>(tokens), correct / static_cast<double>(tokens), std::nullopt};
  scores.nats = nats / static_cast<double>(sequences);
  if (kl) scores.kl = *kl / static_cast<double>(sequences);  // not finite where it is not
  return scores;
}

}  // namespace tvae
