#include "tvae/model/bag_of_words.h"

#include <cmath>

#include "tvae/nn/batch_spans.h"
#include "tvae/ops/on_device.h"

namespace tvae {

using torch::Tensor;

BagOfWords::BagOfWords(const Scope& scope, const ModelConfig& config) {
  const int64_t code = config.latent_tokens * config.latent_size;
  const auto init = Init::uniform(1.0 / std::sqrt(static_cast<double>(code)));
  words_ = Linear(scope, code, config.vocab_size, init, init, WeightKind::kTable);  // a row a word
}

Tensor BagOfWords::operator()(const Tensor& code) const {
  return at::log_softmax(words_(code.flatten(1)).to(at::kFloat), 1);
}

Tensor BagOfWords::nats(const Tensor& code, const TokenStream& batch) const {
  const Tensor log_probabilities = (*this)(code);
  const Tensor sequence = sequence_of_row(batch.spans, batch.ids.size(0));
  const Tensor flat = on_device(sequence, batch.ids.device()) * log_probabilities.size(1) + batch.ids;
  return -log_probabilities.flatten().index_select(0, flat).sum();
}

}  // namespace tvae
