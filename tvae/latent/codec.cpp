#include "tvae/latent/codec.h"

#include <algorithm>
#include <functional>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/data/token_batch.h"
#include "tvae/ops/side_by_side.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr size_t kTextsAtOnce = 128;

/// Values of the sequences of a batch, in the order of its stream → in the order of the texts, on the CPU in fp32.
using InInputOrder = std::function<Tensor(const Tensor&)>;

size_t batches_of(const std::vector<std::string>& texts) {
  return (texts.size() + kTextsAtOnce - 1) / kTextsAtOnce;
}

/// Calls `take` with every batch of texts and its number, several threads with batches of their own where there are
/// many. Returns which texts were cut.
std::vector<bool> for_each_batch(const Model& model, const std::vector<std::string>& texts, Progress& progress,
                                 const std::function<void(size_t, const TokenStream&, const InInputOrder&)>& take) {
  const size_t batches = batches_of(texts);
  std::vector<std::vector<bool>> cut(batches);
  const auto encode = [&](size_t number) {
    const size_t start = number * kTextsAtOnce;
    std::vector<std::vector<int32_t>> sequences;
    for (size_t i = start; i < std::min(texts.size(), start + kTextsAtOnce); ++i) {
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
  const auto threads = static_cast<size_t>(parts_at_once());
  // With fewer batches some threads would have nothing to do for too long.
  const size_t parts = model.vae.device().is_cpu() && batches >= 2 * threads ? threads : 1;
  side_by_side(static_cast<int64_t>(parts), progress, [&](int64_t part, Progress& own) {
    for (auto number = static_cast<size_t>(part); number < batches; number += parts) {
      own.update("encoding", static_cast<int64_t>(number * kTextsAtOnce), static_cast<int64_t>(texts.size()));
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
  std::vector<Tensor> means(batches_of(texts)), log_variances(batches_of(texts));
  encoded.cut = for_each_batch(model, texts, progress,
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
  std::vector<Tensor> batches(batches_of(texts));
  for_each_batch(model, texts, progress,
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
