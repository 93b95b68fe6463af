#include "tvae/latent/codec.h"

#include <functional>

#include "tvae/base/error.h"
#include "tvae/data/token_batch.h"
#include "tvae/validity/bracket_syntax.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr size_t kTextsAtOnce = 256;

/// Values of the sequences of a batch, in the order of its stream → in the order of the texts, on the CPU in fp32.
using InInputOrder = std::function<Tensor(const Tensor&)>;

/// Calls `take` with every batch of texts. Returns how many texts were cut.
int64_t for_each_batch(const Model& model, const std::vector<std::string>& texts,
                       const std::function<void(const TokenStream&, const InInputOrder&)>& take) {
  int64_t cut = 0;
  for (size_t start = 0; start < texts.size(); start += kTextsAtOnce) {
    std::vector<std::vector<int32_t>> sequences;
    for (size_t i = start; i < std::min(texts.size(), start + kTextsAtOnce); ++i) {
      bool was_cut = false;
      sequences.push_back(model_ids(model, texts[i], &was_cut));
      cut += was_cut;
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

/// Keeps the brackets and strings of an output's text in order.
class BracketConstraint : public OutputConstraint {
 public:
  BracketConstraint(const Model& model, std::shared_ptr<const std::vector<std::string>> pieces)
      : syntax_(make_bracket_syntax(model.check)),
        eos_(model.vae.config().eos_token_id),
        tokens_left_(model.max_tokens),
        pieces_(std::move(pieces)) {}

  bool accept(int64_t id) override {
    if (id == eos_) return syntax_->missing() == 0;
    // Each missing character is at most one token, and the end of sequence is one; the last token closes nothing more.
    if (!syntax_->append((*pieces_)[static_cast<size_t>(id)], std::max<int64_t>(0, tokens_left_ - 2))) return false;
    --tokens_left_;
    return true;
  }

 private:
  std::unique_ptr<BracketSyntax> syntax_;
  int64_t eos_, tokens_left_;
  std::shared_ptr<const std::vector<std::string>> pieces_;  // text of each id
};

std::shared_ptr<const std::vector<std::string>> texts_of_ids(const Model& model) {
  std::vector<std::string> pieces;
  for (int64_t id = 0; id < model.vae.config().vocab_size; ++id)
    pieces.push_back(id < model.tokenizer.size() ? model.tokenizer.text_of(static_cast<int32_t>(id)) : "");
  return std::make_shared<const std::vector<std::string>>(std::move(pieces));
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

EncodedTexts encode_texts(const Model& model, const std::vector<std::string>& texts) {
  const torch::NoGradGuard no_grad;
  EncodedTexts encoded;
  std::vector<Tensor> means, log_variances;
  encoded.cut = for_each_batch(model, texts, [&](const TokenStream& stream, const InInputOrder& in_input_order) {
    const Posterior posterior = model.vae.encode(stream);
    means.push_back(in_input_order(posterior.mean));
    if (posterior.log_variance) log_variances.push_back(in_input_order(*posterior.log_variance));
  });
  const ModelConfig& config = model.vae.config();
  encoded.mean = means.empty() ? at::empty({0, config.latent_tokens, config.latent_size}) : at::cat(means);
  if (!log_variances.empty()) encoded.log_variance = at::cat(log_variances);
  if (!all_finite(encoded.mean) || (encoded.log_variance && !all_finite(*encoded.log_variance)))
    throw CheckpointError(model.directory + " gives codes that are not finite", "", "", "did its training diverge?");
  return encoded;
}

Tensor mean_encoder_states(const Model& model, const std::vector<std::string>& texts) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> batches = {at::empty({0, model.vae.config().d_model})};
  for_each_batch(model, texts, [&](const TokenStream& stream, const InInputOrder& in_input_order) {
    const EncoderStates encoded = model.vae.encoder_states(stream.ids, stream.spans, {});
    std::vector<Tensor> means;
    for (const Span& span : encoded.tokens) means.push_back(encoded.states.narrow(0, span.start, span.length).mean(0));
    batches.push_back(in_input_order(at::stack(means)));
  });
  return at::cat(batches);
}

std::vector<Generated> generate_from(const Model& model, const Tensor& code, GenerationOptions options) {
  if (!all_finite(code)) throw DataError("codes to decode are not finite");
  options.max_tokens = model.max_tokens;
  if (model.constrained)
    options.constraint = [&model, pieces = texts_of_ids(model)] {
      return std::make_unique<BracketConstraint>(model, pieces);
    };
  return generate(model.vae, code, options);
}

std::vector<std::string> texts_of(const Model& model, const std::vector<Generated>& outputs) {
  std::vector<std::string> texts;
  texts.reserve(outputs.size());
  for (const Generated& output : outputs) texts.push_back(model.tokenizer.decode(output.ids));
  return texts;
}

std::vector<std::string> decode_codes(const Model& model, const Tensor& code, const GenerationOptions& options) {
  return texts_of(model, generate_from(model, code, options));
}

}  // namespace tvae
