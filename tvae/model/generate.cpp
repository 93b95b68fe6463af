#include "tvae/model/generate.h"

#include "tvae/base/assert.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

/// Temperature, top-k, then top-p (nucleus), as transformers orders its logits processors.
Tensor filtered_probabilities(Tensor logits, const GenerationOptions& options) {
  logits = logits / options.temperature;
  const double lowest = -std::numeric_limits<double>::infinity();
  if (options.top_k > 0 && options.top_k < logits.size(1)) {
    const Tensor least = std::get<0>(logits.topk(options.top_k, 1)).narrow(1, options.top_k - 1, 1);
    logits = logits.masked_fill(logits < least, lowest);
  }
  if (options.top_p < 1.0) {
    const auto [sorted, order] = logits.sort(1, /*descending=*/true);
    const Tensor probabilities = sorted.softmax(1);
    const Tensor drop = probabilities.cumsum(1) - probabilities >= options.top_p;  // keeps the one that crosses top_p
    logits = logits.masked_fill(at::zeros_like(drop).scatter(1, order, drop), lowest);
  }
  return logits.softmax(1);
}

class BatchDecoder {
 public:
  BatchDecoder(const TransformerVae& vae, const Tensor& code, const GenerationOptions& options, Rng& rng)
      : vae_(vae), options_(options), rng_(rng) {
    const int64_t rows = code.size(0);
    cache_ = vae.decoder().make_cache(vae.decode_latent(code), rows, options.max_tokens);
    outputs_.resize(rows);
    for (int64_t row = 0; row < rows; ++row) active_.push_back(row);
    if (options.constraint)
      for (int64_t row = 0; row < rows; ++row) constraints_.push_back(options.constraint());
  }

  /// `before`: codes of the call that are done already, of `total`.
  std::vector<Generated> run(int64_t before, int64_t total, Progress& progress) {
    std::vector<int64_t> previous(active_.size(), vae_.config().decoder_start_token_id);
    for (int64_t position = 0; position < options_.max_tokens && !active_.empty(); ++position) {
      progress.update("decoding", before + static_cast<int64_t>(outputs_.size() - active_.size()), total);
      previous = step(previous, position);
    }
    return std::move(outputs_);
  }

 private:
  /// Feeds `previous` (one id an active row) and appends what comes next; returns the ids of the rows still active.
  std::vector<int64_t> step(const std::vector<int64_t>& previous, int64_t position) {
    const torch::Device device = vae_.device();
    const Tensor ids = torch::tensor(previous, at::kLong).to(device);
    const Tensor states = vae_.decoder().step(ids, active_, position, *cache_);
    const Tensor logits = vae_.decoder().logits(states).to(at::kFloat);
    Tensor chosen, probability, probabilities;
    if (options_.sample) {
      probabilities = filtered_probabilities(logits, options_);
      require_finite(probabilities);
      chosen = probabilities.multinomial(1, false, rng_.generator(device)).squeeze(1);
      probability = probabilities.gather(1, chosen.unsqueeze(1)).squeeze(1);
    } else {
      const auto [best, index] = logits.max(1);
      chosen = index;
      probability = (best - logits.logsumexp(1)).exp();
      require_finite(probability);
    }
    chosen = chosen.to(at::kCPU).contiguous();
    probability = probability.to(at::kCPU).contiguous();
    std::vector<int64_t> still_active, next;
    for (size_t i = 0; i < active_.size(); ++i) {
      Generated& output = outputs_[active_[i]];
      int64_t id = chosen.const_data_ptr<int64_t>()[i];
      float share = probability.const_data_ptr<float>()[i];
      if (options_.constraint && !constraints_[active_[i]]->accept(id)) {
        const auto row = static_cast<int64_t>(i);
        id = accepted_instead(*constraints_[active_[i]], logits[row], options_.sample ? probabilities[row] : Tensor());
        share = (options_.sample ? probabilities[row] : logits[row].softmax(0))[id].item<float>();
      }
      output.probability.push_back(share);
      if (id == vae_.config().eos_token_id) {
        output.finished = true;
        continue;
      }
      output.ids.push_back(static_cast<int32_t>(id));
      still_active.push_back(active_[i]);
      next.push_back(id);
    }
    active_ = std::move(still_active);
    return next;
  }

  static void require_finite(const Tensor& probability) {
    if (!probability.isfinite().all().item<bool>())
      throw CheckpointError("the decoder gives numbers that are not finite", "", "",
                            "did the model's training diverge, or is a code far too large?");
  }

  /// The next best id that the constraint accepts; with the probabilities [V] of sampling, one drawn from those, and
  /// the likeliest where none of them is accepted.
  int64_t accepted_instead(OutputConstraint& constraint, const Tensor& logits, const Tensor& probabilities) {
    std::vector<Tensor> rankings;
    if (probabilities.defined()) {
      const int64_t possible = (probabilities > 0).sum().item<int64_t>();
      rankings.push_back(probabilities.multinomial(possible, false, rng_.generator(vae_.device())));
    }
    rankings.push_back(logits.argsort(0, /*descending=*/true));
    for (const Tensor& ranking : rankings) {
      const Tensor ids = ranking.to(at::kCPU).contiguous();
      for (int64_t i = 0; i < ids.size(0); ++i)
        if (const int64_t id = ids.const_data_ptr<int64_t>()[i]; constraint.accept(id)) return id;
    }
    return vae_.config().eos_token_id;
  }

  const TransformerVae& vae_;
  const GenerationOptions& options_;
  Rng& rng_;
  std::unique_ptr<DecoderCache> cache_;
  std::vector<int64_t> active_;  // rows that have not ended
  std::vector<Generated> outputs_;
  std::vector<std::unique_ptr<OutputConstraint>> constraints_;  // of each row, if there are any
};

}  // namespace

std::vector<Generated> generate(const TransformerVae& vae, const Tensor& code, const GenerationOptions& options,
                                Progress& progress) {
  TVAE_ASSERT(code.dim() == 3, "codes are [N, K, D]");
  const torch::NoGradGuard no_grad;
  Rng rng(options.seed);
  std::vector<Generated> all;
  for (int64_t start = 0; start < code.size(0); start += options.batch_rows) {
    const int64_t rows = std::min(options.batch_rows, code.size(0) - start);
    const Tensor part = code.narrow(0, start, rows).to(vae.device(), vae.dtype());
    BatchDecoder decoder(vae, part, options, rng);
    for (Generated& output : decoder.run(start, code.size(0), progress)) all.push_back(std::move(output));
  }
  return all;
}

}  // namespace tvae
