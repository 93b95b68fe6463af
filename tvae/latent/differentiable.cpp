#include "tvae/latent/differentiable.h"

#include <algorithm>
#include <numeric>

#include "tvae/base/error.h"
#include "tvae/data/token_batch.h"
#include "tvae/latent/codec.h"

namespace tvae {
namespace {

using torch::Tensor;

std::vector<std::vector<int32_t>> ids_of(const Model& model, const std::vector<std::string>& texts) {
  std::vector<std::vector<int32_t>> sequences;
  int64_t cut = 0;
  for (const std::string& text : texts) {
    bool was_cut = false;
    sequences.push_back(model_ids(model, text, &was_cut));
    cut += was_cut;
  }
  warn_of_cut(model, cut, texts.size());
  return sequences;
}

/// Places of sequences from the shortest to the longest, as they stand in a stream.
std::vector<int64_t> by_length(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return lengths[static_cast<size_t>(a)] < lengths[static_cast<size_t>(b)];
  });
  return order;
}

}  // namespace

DifferentiableModel::DifferentiableModel(const std::string& directory, torch::Device device, torch::ScalarType type)
    : model_(load_model(directory, device, LoadWeights::kDense)) {
  model_.vae.parameters().to(device, type);
  for (const NamedParameter& parameter : model_.vae.parameters().list()) parameter.value.requires_grad_(false);
}

EmbeddedTexts DifferentiableModel::embed(const std::vector<std::string>& texts) const {
  const torch::NoGradGuard no_grad;
  const std::vector<std::vector<int32_t>> sequences = ids_of(model_, texts);
  EmbeddedTexts embedded;
  for (const auto& ids : sequences) embedded.lengths.push_back(static_cast<int64_t>(ids.size()));
  const int64_t longest = texts.empty() ? 0 : *std::ranges::max_element(embedded.lengths);
  embedded.embeddings = at::zeros({static_cast<int64_t>(texts.size()), longest, width()}, model_.vae.dtype());
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Tensor ids = torch::tensor(sequences[i], at::kLong).to(model_.vae.device());
    embedded.embeddings[static_cast<int64_t>(i)].narrow(0, 0, embedded.lengths[i]).copy_(model_.vae.embed(ids));
  }
  return embedded;
}

Tensor DifferentiableModel::differentiable_codes(const Tensor& embeddings, const std::vector<int64_t>& lengths) const {
  if (embeddings.dim() != 3 || embeddings.size(2) != width() ||
      embeddings.size(0) != static_cast<int64_t>(lengths.size()))
    throw DataError("embeddings do not fit the model and the lengths", c10::str(embeddings.sizes()),
                    c10::str("[", lengths.size(), ", L, ", width(), "]"));
  const int64_t most = std::min(embeddings.size(1), model_.max_tokens);
  for (const int64_t length : lengths)
    if (length < 1 || length > most)
      throw DataError("a length of embeddings", std::to_string(length), "1 to " + std::to_string(most));
  const ModelConfig& config = model_.vae.config();
  if (lengths.empty()) return embeddings.new_empty({0, config.latent_tokens, config.latent_size});
  const std::vector<int64_t> order = by_length(lengths);
  Spans spans;
  std::vector<Tensor> rows;
  int64_t start = 0;
  for (const int64_t place : order) {
    const int64_t length = lengths[static_cast<size_t>(place)];
    rows.push_back(embeddings.select(0, place).narrow(0, 0, length));
    spans.push_back({start, length});
    start += length;
  }
  const Tensor stream = at::cat(rows).to(model_.vae.device(), model_.vae.dtype());
  const Tensor codes = model_.vae.bottleneck().encode(model_.vae.encode_embeddings(stream, spans, {}), {}).mode();
  const Tensor places = torch::tensor(order, at::kLong).argsort().to(codes.device());
  return codes.index_select(0, places).to(at::kCPU);
}

Tensor DifferentiableModel::encode(const Tensor& embeddings, const std::vector<int64_t>& lengths) const {
  const torch::NoGradGuard no_grad;
  return differentiable_codes(embeddings, lengths);
}

Tensor DifferentiableModel::encode_gradient(const Tensor& embeddings, const std::vector<int64_t>& lengths,
                                            const Tensor& of_codes) const {
  const at::AutoGradMode with_gradients(true);
  const Tensor input = embeddings.detach().to(model_.vae.dtype()).requires_grad_(true);
  const Tensor codes = differentiable_codes(input, lengths);
  if (of_codes.sizes() != codes.sizes())
    throw DataError("a gradient of codes", c10::str(of_codes.sizes()), c10::str(codes.sizes()));
  if (lengths.empty()) return at::zeros_like(input);
  return torch::autograd::grad({codes}, {input}, {of_codes.to(codes.scalar_type())})[0];
}

TextLosses DifferentiableModel::losses(const Tensor& codes, const std::vector<std::string>& texts) const {
  const ModelConfig& config = model_.vae.config();
  const auto count = static_cast<int64_t>(texts.size());
  const std::vector<int64_t> expected = {count, config.latent_tokens, config.latent_size};
  if (codes.sizes() != at::IntArrayRef(expected))
    throw DataError("codes do not fit the model and the texts", c10::str(codes.sizes()),
                    c10::str(at::IntArrayRef(expected)));
  TextLosses losses{at::zeros({count}, model_.vae.dtype()), at::zeros(expected, model_.vae.dtype())};
  if (texts.empty()) return losses;
  const at::AutoGradMode with_gradients(true);
  const TokenBatch batch = make_token_batch(ids_of(model_, texts));
  const TokenStream stream = to_stream(batch, model_.vae.device());
  const Tensor rows = torch::tensor(batch.rows, at::kLong);
  const Tensor input = codes.detach().to(model_.vae.dtype()).requires_grad_(true);
  const Tensor in_order = input.index_select(0, rows).to(model_.vae.device());
  const Tensor states = model_.vae.decoder_states(stream, model_.vae.decode_latent(in_order), 0.0, {});
  const CrossEntropy written = model_.vae.decoder().cross_entropy(states, stream.ids);
  losses.gradient = torch::autograd::grad({written.loss}, {input})[0];
  const Tensor nats = written.token_nats.to(at::kCPU, losses.nats.scalar_type());
  for (size_t i = 0; i < stream.spans.size(); ++i)
    losses.nats[batch.rows[i]] = nats.narrow(0, stream.spans[i].start, stream.spans[i].length).sum();
  return losses;
}

}  // namespace tvae
