#include "tvae/latent/codec.h"

#include <algorithm>
#include <atomic>
#include <functional>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/data/token_batch.h"
#include "tvae/ops/side_by_side.h"

namespace tvae {
namespace {

using torch::Tensor;

// Encoded together by all threads, and by one of several.
constexpr size_t kTextsAtOnce = 256, kTextsOfAThread = 64;

/// Values of the sequences of a batch, in the order of its stream → in the order of the texts, on the CPU in fp32.
using InInputOrder = std::function<Tensor(const Tensor&)>;

/// How texts are dealt out.
struct Batches {
  Batches(const Model& model, size_t texts) : total(texts) {
    const auto threads = static_cast<size_t>(parts_at_once());
    // With fewer texts some threads would have nothing to do for too long.
    if (threads > 1 && model.vae.device().is_cpu() && texts >= 4 * threads * kTextsOfAThread) {
      parts = threads;
      size = kTextsOfAThread;
    }
  }
  size_t count() const { return (total + size - 1) / size; }

  size_t total, parts = 1, size = kTextsAtOnce;
};

/// Calls `take` with every batch of texts and its number, several threads with batches of their own where there are
/// many. Returns which texts were cut.
std::vector<bool> for_each_batch(const Model& model, const std::vector<std::string>& texts, const Batches& batches,
                                 Progress& progress,
                                 const std::function<void(size_t, const TokenStream&, const InInputOrder&)>& take) {
  std::vector<std::vector<bool>> cut(batches.count());
  const auto encode = [&](size_t number) {
    const size_t start = number * batches.size;
    std::vector<std::vector<int32_t>> sequences;
    for (size_t i = start; i < std::min(texts.size(), start + batches.size); ++i) {
      bool was_cut = false;
      sequences.push_back(model_ids(model, texts[i], &was_cut));
      cut[number].push_back(was_cut);
    }
    const TokenBatch batch = make_token_batch(sequences);
    const Tensor rows = torch::tensor(batch.rows, at::kLong);
    take(number, to_stream(batch, model.vae.device()), [&rows](const Tensor& stream_order) {
      const Tensor values = stream_order.to(at::kCPU, at::kFloat);
      return at::empty_like(values).index_copy_(0, rows, values);
    });
  };
  std::atomic<size_t> next = 0;  // batches are the same ones whichever thread takes them
  side_by_side(static_cast<int64_t>(batches.parts), progress, [&](int64_t, Progress& own) {
    for (size_t number = next++; number < batches.count(); number = next++) {
      own.update("encoding", static_cast<int64_t>(number * batches.size), static_cast<int64_t>(texts.size()));
      encode(number);
    }
  });
  std::vector<bool> all;
  for (const std::vector<bool>& of_batch : cut) all.insert(all.end(), of_batch.begin(), of_batch.end());
  return all;
}

bool all_finite(const Tensor& values) {
  return values.isfinite().all().item<bool>();
}

}  // namespace

std::vector<int32_t> model_ids(const Model& model, const std::string& text, bool* was_cut) {
  std::vector<int32_t> ids = model.tokenizer.encode(text);
  const auto limit = static_cast<size_t>(model.max_tokens - 1);
  if (was_cut != nullptr) *was_cut = ids.size() > limit;
  if (ids.size() > limit) ids.resize(limit);
  ids.push_back(static_cast<int32_t>(model.vae.config().eos_token_id));
  return ids;
}

int64_t EncodedTexts::cut_count() const {
  return std::count(cut.begin(), cut.end(), true);
}

void warn_of_cut(const Model& model, int64_t cut, size_t texts) {
  if (cut > 0)
    log_warning("cut at the model's " + std::to_string(model.max_tokens) + " tokens: " + std::to_string(cut) + " of " +
                counted(texts, "text"));
}

EncodedTexts encode_texts(const Model& model, const std::vector<std::string>& texts, Progress& progress) {
  const torch::NoGradGuard no_grad;
  EncodedTexts encoded;
  const Batches all(model, texts.size());
  std::vector<Tensor> means(all.count()), log_variances(all.count());
  encoded.cut = for_each_batch(model, texts, all, progress,
                               [&](size_t number, const TokenStream& stream, const InInputOrder& in_input_order) {
                                 const Posterior posterior = model.vae.encode(stream);
                                 means[number] = in_input_order(posterior.mode());
                                 if (posterior.has_variance())
                                   log_variances[number] = in_input_order(posterior.log_variance());
                               });
  const ModelConfig& config = model.vae.config();
  encoded.mean = means.empty() ? at::empty({0, config.latent_tokens, config.latent_size}) : at::cat(means);
  if (!log_variances.empty() && log_variances.front().defined()) encoded.log_variance = at::cat(log_variances);
  if (!all_finite(encoded.mean) || (encoded.log_variance && !all_finite(*encoded.log_variance)))
    throw CheckpointError(model.directory + " gives codes that are not finite", "", "", "did its training diverge?");
  return encoded;
}

Tensor mean_encoder_states(const Model& model, const std::vector<std::string>& texts, Progress& progress) {
  const torch::NoGradGuard no_grad;
  const Batches all(model, texts.size());
  std::vector<Tensor> batches(all.count());
  for_each_batch(model, texts, all, progress,
                 [&](size_t number, const TokenStream& stream, const InInputOrder& in_input_order) {
                   const EncoderStates encoded = model.vae.encoder_states(stream.ids, stream.spans, {});
                   std::vector<Tensor> means;
                   for (const Span& span : encoded.token_spans)
                     means.push_back(encoded.states.narrow(0, span.start, span.length).mean(0));
                   batches[number] = in_input_order(at::stack(means));
                 });
  return batches.empty() ? at::empty({0, model.vae.config().d_model}) : at::cat(batches);
}

void require_finite_codes(const Tensor& codes) {
  if (!all_finite(codes)) throw DataError("codes to decode are not finite");
}

std::vector<Generated> generate_from(const Model& model, const Tensor& code, GenerationOptions options,
                                     Progress& progress) {
  require_finite_codes(code);
  options.max_tokens = model.max_tokens;
  return generate(model.vae, code, options, progress);
}

std::vector<std::string> texts_of(const Model& model, const std::vector<Generated>& outputs) {
  std::vector<std::string> texts;
  texts.reserve(outputs.size());
  for (const Generated& output : outputs) texts.push_back(model.tokenizer.decode(output.ids));
  return texts;
}

std::vector<std::string> decode_codes(const Model& model, const Tensor& code, const GenerationOptions& options,
                                      Progress& progress) {
  return texts_of(model, generate_from(model, code, options, progress));
}

}  // namespace tvae
