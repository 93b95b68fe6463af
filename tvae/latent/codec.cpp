#include "tvae/latent/codec.h"

#include "tvae/base/error.h"
#include "tvae/data/token_batch.h"

namespace tvae {
namespace {

constexpr size_t kTextsAtOnce = 256;

}  // namespace

std::vector<int32_t> model_ids(const Model& model, const std::string& text, bool* was_cut) {
  std::vector<int32_t> ids = model.tokenizer.encode(text);
  const auto limit = static_cast<size_t>(model.max_tokens - 1);
  if (was_cut != nullptr) *was_cut = ids.size() > limit;
  if (ids.size() > limit) ids.resize(limit);
  ids.push_back(static_cast<int32_t>(model.vae.config().eos_token_id));
  return ids;
}

EncodedTexts encode_texts(const Model& model, const std::vector<std::string>& texts) {
  const torch::NoGradGuard no_grad;
  EncodedTexts encoded;
  std::vector<torch::Tensor> means, log_variances;
  for (size_t start = 0; start < texts.size(); start += kTextsAtOnce) {
    std::vector<std::vector<int32_t>> sequences;
    for (size_t i = start; i < std::min(texts.size(), start + kTextsAtOnce); ++i) {
      bool was_cut = false;
      sequences.push_back(model_ids(model, texts[i], &was_cut));
      encoded.cut += was_cut;
    }
    const TokenBatch batch = make_token_batch(sequences);
    const Posterior posterior = model.vae.encode(to_stream(batch, model.vae.device()));
    const torch::Tensor rows = torch::tensor(batch.rows, at::kLong);
    const auto in_input_order = [&](const torch::Tensor& stream_order) {
      const torch::Tensor values = stream_order.to(at::kCPU, at::kFloat);
      return at::empty_like(values).index_copy_(0, rows, values);
    };
    means.push_back(in_input_order(posterior.mean));
    if (posterior.log_variance) log_variances.push_back(in_input_order(*posterior.log_variance));
  }
  const ModelConfig& config = model.vae.config();
  encoded.mean = means.empty() ? at::empty({0, config.latent_tokens, config.latent_size}) : at::cat(means);
  if (!log_variances.empty()) encoded.log_variance = at::cat(log_variances);
  if (!encoded.mean.isfinite().all().item<bool>())
    throw CheckpointError(model.directory + " gives codes that are not finite", "", "", "did its training diverge?");
  return encoded;
}

std::vector<Generated> generate_from(const Model& model, const torch::Tensor& code, GenerationOptions options) {
  options.max_tokens = model.max_tokens;
  return generate(model.vae, code, options);
}

std::vector<std::string> texts_of(const Model& model, const std::vector<Generated>& outputs) {
  std::vector<std::string> texts;
  texts.reserve(outputs.size());
  for (const Generated& output : outputs) texts.push_back(model.tokenizer.decode(output.ids));
  return texts;
}

std::vector<std::string> decode_codes(const Model& model, const torch::Tensor& code, const GenerationOptions& options) {
  return texts_of(model, generate_from(model, code, options));
}

}  // namespace tvae
