#include "tvae/model/generate.h"

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/ops/likeliest.h"
#include "tvae/ops/side_by_side.h"

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

using Constraints = std::vector<std::unique_ptr<OutputConstraint>>;

/// Writes the outputs of many codes, some at a time: a row whose output has ended gets the next code, so that the
/// products stay large to the end.
class BatchDecoder {
 public:
  /// `constraints`: one a code, or none.
  BatchDecoder(const TransformerVae& vae, const Tensor& codes, const GenerationOptions& options,
               Constraints constraints)
      : vae_(vae),
        codes_(codes),
        options_(options),
        constraints_(std::move(constraints)),
        rng_(options.seed),
        outputs_(codes.size(0)) {
    const int64_t rows = std::min(options.batch_rows, codes.size(0));
    cache_ = vae.decoder().make_cache(next_memory(rows), options.max_tokens);
    for (int64_t row = 0; row < rows; ++row) start(row, row);
  }

  /// `report` is told how many outputs are written, after every token.
  std::vector<Generated> run(const std::function<void(int64_t)>& report) {
    while (!active_.empty()) {
      report(next_code_ - static_cast<int64_t>(active_.size()));
      step();
      refill();
    }
    return std::move(outputs_);
  }

 private:
  /// An output that is being written, in a row of the cache.
  struct Writing {
    int64_t row, output, position, previous;
    std::unique_ptr<OutputConstraint> constraint;  // if there is one
  };

  /// Of the next `count` codes.
  Memory next_memory(int64_t count) {
    const Tensor codes = codes_.narrow(0, next_code_, count).to(vae_.device(), vae_.dtype());
    next_code_ += count;
    return vae_.decode_latent(codes);
  }

  void start(int64_t row, int64_t output) {
    active_.push_back({row, output, 0, vae_.config().decoder_start_token_id,
                       constraints_.empty() ? nullptr : std::move(constraints_[output])});
  }

  /// Gives rows that are free the next codes, several at a time: few are not worth a call.
  void refill() {
    constexpr int64_t kShare = 8;
    const int64_t left = codes_.size(0) - next_code_, count = std::min<int64_t>(left, free_.size());
    const bool is_worth_it = count == left || count >= options_.batch_rows / kShare;
    if (count == 0 || !is_worth_it) return;
    const std::vector<int64_t> rows(free_.end() - count, free_.end());
    free_.resize(free_.size() - count);
    const int64_t first = next_code_;
    vae_.decoder().replace_rows(*cache_, rows, next_memory(count));
    for (int64_t i = 0; i < count; ++i) start(rows[i], first + i);
  }

  /// Feeds what was written last and appends what comes next.
  void step() {
    std::vector<int64_t> ids, rows, positions;
    for (const Writing& writing : active_) {
      ids.push_back(writing.previous);
      rows.push_back(writing.row);
      positions.push_back(writing.position);
    }
    const Tensor states = vae_.decoder().step(ids, rows, positions, *cache_);
    const Tensor logits = vae_.decoder().logits(states).to(at::kFloat);
    Tensor chosen, probability, probabilities;
    if (options_.sample) {
      probabilities = filtered_probabilities(logits, options_);
      require_finite(probabilities);
      chosen = probabilities.multinomial(1, false, rng_.generator(vae_.device())).squeeze(1);
      probability = probabilities.gather(1, chosen.unsqueeze(1)).squeeze(1);
    } else {
      Likeliest best = likeliest(logits);
      chosen = best.ids;
      probability = best.probability;
      require_finite(probability);
    }
    chosen = chosen.to(at::kCPU).contiguous();
    probability = probability.to(at::kCPU).contiguous();
    std::vector<Writing> still_active;
    for (size_t i = 0; i < active_.size(); ++i) {
      Writing& writing = active_[i];
      Generated& output = outputs_[writing.output];
      int64_t id = chosen.const_data_ptr<int64_t>()[i];
      float share = probability.const_data_ptr<float>()[i];
      if (writing.constraint && !writing.constraint->accept(id)) {
        const auto row = static_cast<int64_t>(i);
        id = accepted_instead(*writing.constraint, logits[row], options_.sample ? probabilities[row] : Tensor());
        share = (options_.sample ? probabilities[row] : logits[row].softmax(0))[id].item<float>();
      }
      output.probability.push_back(share);
      output.finished = id == vae_.config().eos_token_id;
      if (!output.finished) output.ids.push_back(static_cast<int32_t>(id));
      if (output.finished || ++writing.position == options_.max_tokens) {
        free_.push_back(writing.row);
        continue;
      }
      writing.previous = id;
      still_active.push_back(std::move(writing));
    }
    active_ = std::move(still_active);
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
  const Tensor codes_;
  const GenerationOptions& options_;
  Constraints constraints_;
  Rng rng_;
  std::vector<Generated> outputs_;  // one a code
  std::unique_ptr<DecoderCache> cache_;
  std::vector<Writing> active_;
  std::vector<int64_t> free_;  // rows of the cache
  int64_t next_code_ = 0;
};

/// How many decoders share the codes, each on a thread of its own.
int64_t parts_of(const TransformerVae& vae, int64_t codes, const GenerationOptions& options) {
  // What is drawn must not hang on the number of threads.
  if (options.sample || !vae.device().is_cpu()) return 1;
  return codes >= kRowsOfAPart * parts_at_once() ? parts_at_once() : 1;
}

/// Codes that one of so many decoders decodes at once. Keys and values of more than kRowsOfADecoder would not stay in a
/// cache, and all decoders together take little more memory than one would.
int64_t rows_of(int64_t batch_rows, int64_t parts) {
  constexpr int64_t kRowsOfADecoder = 128;
  return parts == 1 ? batch_rows : std::clamp(batch_rows / parts, std::min(kRowsOfAPart, batch_rows), kRowsOfADecoder);
}

}  // namespace

std::vector<Generated> generate(const TransformerVae& vae, const Tensor& code, const GenerationOptions& options,
                                Progress& progress) {
  TVAE_ASSERT(code.dim() == 3, "codes are [N, K, D]");
  const torch::NoGradGuard no_grad;
  const int64_t total = code.size(0);
  if (total == 0 || options.max_tokens == 0) return std::vector<Generated>(total);
  const int64_t parts = parts_of(vae, total, options);
  // Dealt out in turn, so that which codes are decoded together does not hang on which thread is faster.
  std::vector<Constraints> constraints(parts);
  for (int64_t i = 0; options.constraint && i < total; ++i) constraints[i % parts].push_back(options.constraint());
  std::vector<std::vector<Generated>> outputs(parts);
  GenerationOptions of_a_part = options;
  of_a_part.batch_rows = rows_of(options.batch_rows, parts);
  side_by_side(parts, progress, [&](int64_t part, Progress& own) {
    BatchDecoder decoder(vae, code.slice(0, part, std::nullopt, parts), of_a_part, std::move(constraints[part]));
    outputs[part] = decoder.run([&](int64_t done) { own.update("decoding", std::min(done * parts, total), total); });
  });
  std::vector<Generated> in_order;
  for (int64_t i = 0; i < total; ++i) in_order.push_back(std::move(outputs[i % parts][i / parts]));
  return in_order;
}

}  // namespace tvae
