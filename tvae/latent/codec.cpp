#include "tvae/latent/codec.h"

#include <algorithm>
#include <functional>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/data/token_batch.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr size_t kTextsAtOnce = 256;

/// Values of the sequences of a batch, in the order of its stream → in the order of the texts, on the CPU in fp32.
using InInputOrder = std::function<Tensor(const Tensor&)>;

/// Calls `take` with every batch of texts. Returns which texts were cut.
std::vector<bool> for_each_batch(const Model& model, const std::vector<std::string>& texts, Progress& progress,
                                 const std::function<void(const TokenStream&, const InInputOrder&)>& take) {
  std::vector<bool> cut;
  for (size_t start = 0; start < texts.size(); start += kTextsAtOnce) {
    progress.update("encoding", static_cast<int64_t>(start), static_cast<int64_t>(texts.size()));
    std::vector<std::vector<int32_t>> sequences;
    for (size_t i = start; i < std::min(texts.size(), start + kTextsAtOnce); ++i) {
      bool was_cut = false;
      sequences.push_back(model_ids(model, texts[i], &was_cut));
      cut.push_back(was_cut);
    }
    const TokenBatch batch = make_token_batch(sequences);
    const Tensor rows = torch::tensor(batch.rows, at::kLong);
    take(to_stream(batch, model.vae.device()), [&rows](const Tensor& stream_order) {
      const Tensor values = stream_order.to(at::kCPU, at::kFloat);
      return at::empty_like(values).index_copy_(0, rows, values);
    });
  }
  return cut;
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
  std::vector<Tensor> means, log_variances;
  encoded.cut =
      for_each_batch(model, texts, progress, [&](const TokenStream& stream, const InInputOrder& in_input_order) {
        const Posterior posterior = model.vae.encode(stream);
        means.push_back(in_input_order(posterior.mode()));
        if (posterior.has_variance()) log_variances.push_back(in_input_order(posterior.log_variance()));
      });
  const ModelConfig& config = model.vae.config();
  encoded.mean = means.empty() ? at::empty({0, config.latent_tokens, config.latent_size}) : at::cat(means);
  if (!log_variances.empty()) encoded.log_variance = at::cat(log_variances);
  if (!all_finite(encoded.mean) || (encoded.log_variance && !all_finite(*encoded.log_variance)))
    throw CheckpointError(model.directory + " gives codes that are not finite", "", "", "did its training diverge?");
  return encoded;
}

Tensor mean_encoder_states(const Model& model, const std::vector<std::string>& texts, Progress& progress) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> batches = {at::empty({0, model.vae.config().d_model})};
  for_each_batch(model, texts, progress, [&](const TokenStream& stream, const InInputOrder& in_input_order) {
    const EncoderStates encoded = model.vae.encoder_states(stream.ids, stream.spans, {});
    std::vector<Tensor> means;
    for (const Span& span : encoded.token_spans)
      means.push_back(encoded.states.narrow(0, span.start, span.length).mean(0));
    batches.push_back(in_input_order(at::stack(means)));
  });
  return at::cat(batches);
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
