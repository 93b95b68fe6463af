#include "tvae/latent/differentiable.h"

#include <algorithm>

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

/// Rows that are computed together: few enough that a Progress hears of them several times a second.
constexpr int64_t kAtOnce = 64;

/// Rows in the order of their lengths, in parts, so that few of a part have a length of their own.
std::vector<Tensor> parts_by_length(const std::vector<int64_t>& lengths) {
  if (lengths.empty()) return {};
  return torch::tensor(lengths, at::kLong).argsort(/*stable=*/true, /*dim=*/0, /*descending=*/false).split(kAtOnce);
}

/// compute(rows) for part after part.
template <class Compute>
void in_parts(const char* what, const std::vector<int64_t>& lengths, Progress& progress, const Compute& compute) {
  int64_t done = 0;
  for (const Tensor& rows : parts_by_length(lengths)) {
    progress.update(what, done, static_cast<int64_t>(lengths.size()));
    compute(rows);
    done += rows.size(0);
  }
}

/// Those of the rows.
template <class Value>
std::vector<Value> at_rows(const std::vector<Value>& values, const Tensor& rows) {
  std::vector<Value> found;
  for (int64_t i = 0; i < rows.size(0); ++i) found.push_back(values[static_cast<size_t>(rows[i].item<int64_t>())]);
  return found;
}

}  // namespace

DifferentiableModel::DifferentiableModel(const std::string& directory, torch::Device device, torch::ScalarType type)
    : model_(load_model(directory, device, LoadWeights::kDense)) {
  model_.vae.parameters().to(device, type);
  for (const NamedParameter& parameter : model_.vae.parameters().list()) parameter.value.requires_grad_(false);
}

EmbeddedTexts DifferentiableModel::embed(const std::vector<std::string>& texts, Progress& progress) const {
  const torch::NoGradGuard no_grad;
  const std::vector<std::vector<int32_t>> sequences = ids_of(model_, texts);
  EmbeddedTexts embedded;
  for (const auto& ids : sequences) embedded.lengths.push_back(static_cast<int64_t>(ids.size()));
  const int64_t longest = texts.empty() ? 0 : *std::ranges::max_element(embedded.lengths);
  embedded.embeddings = at::zeros({static_cast<int64_t>(texts.size()), longest, width()}, model_.vae.dtype());
  for (size_t i = 0; i < sequences.size(); ++i) {
    progress.update("embedding", static_cast<int64_t>(i), static_cast<int64_t>(sequences.size()));
    const Tensor ids = torch::tensor(sequences[i], at::kLong).to(model_.vae.device());
    embedded.embeddings[static_cast<int64_t>(i)].narrow(0, 0, embedded.lengths[i]).copy_(model_.vae.embed(ids));
  }
  return embedded;
}

void DifferentiableModel::require_fitting(const Tensor& embeddings, const std::vector<int64_t>& lengths) const {
  if (embeddings.dim() != 3 || embeddings.size(2) != width() ||
      embeddings.size(0) != static_cast<int64_t>(lengths.size()))
    throw DataError("embeddings do not fit the model and the lengths", c10::str(embeddings.sizes()),
                    c10::str("[", lengths.size(), ", L, ", width(), "]"));
  const int64_t most = std::min(embeddings.size(1), model_.max_tokens);
  for (const int64_t length : lengths)
    if (length < 1 || length > most)
      throw DataError("a length of embeddings", std::to_string(length), "1 to " + std::to_string(most));
}

Tensor DifferentiableModel::differentiable_codes(const Tensor& embeddings, const std::vector<int64_t>& lengths) const {
  Spans spans;
  std::vector<Tensor> rows;
  int64_t start = 0;
  for (size_t row = 0; row < lengths.size(); ++row) {
    rows.push_back(embeddings[static_cast<int64_t>(row)].narrow(0, 0, lengths[row]));
    spans.push_back({start, lengths[row]});
    start += lengths[row];
  }
  const Tensor stream = at::cat(rows).to(model_.vae.device(), model_.vae.dtype());
  return model_.vae.bottleneck().encode(model_.vae.encode_embeddings(stream, spans, {}), {}).mode().to(at::kCPU);
}

Tensor DifferentiableModel::encode(const Tensor& embeddings, const std::vector<int64_t>& lengths,
                                   Progress& progress) const {
  const torch::NoGradGuard no_grad;
  require_fitting(embeddings, lengths);
  const ModelConfig& config = model_.vae.config();
  Tensor codes = at::empty({embeddings.size(0), config.latent_tokens, config.latent_size}, model_.vae.dtype());
  in_parts("encoding", lengths, progress, [&](const Tensor& rows) {
    codes.index_copy_(0, rows, differentiable_codes(embeddings.index_select(0, rows), at_rows(lengths, rows)));
  });
  return codes;
}

Tensor DifferentiableModel::encode_gradient(const Tensor& embeddings, const std::vector<int64_t>& lengths,
                                            const Tensor& of_codes, Progress& progress) const {
  require_fitting(embeddings, lengths);
  const ModelConfig& config = model_.vae.config();
  const std::vector<int64_t> expected = {embeddings.size(0), config.latent_tokens, config.latent_size};
  if (of_codes.sizes() != at::IntArrayRef(expected))
    throw DataError("a gradient of codes", c10::str(of_codes.sizes()), c10::str(at::IntArrayRef(expected)));
  Tensor gradient = at::zeros(embeddings.sizes(), model_.vae.dtype());
  in_parts("computing gradients", lengths, progress, [&](const Tensor& rows) {
    const at::AutoGradMode with_gradients(true);
    const Tensor input = embeddings.index_select(0, rows).to(model_.vae.dtype()).detach().requires_grad_(true);
    const Tensor codes = differentiable_codes(input, at_rows(lengths, rows));
    gradient.index_copy_(
        0, rows, torch::autograd::grad({codes}, {input}, {of_codes.index_select(0, rows).to(codes.scalar_type())})[0]);
  });
  return gradient;
}

TextLosses DifferentiableModel::losses(const Tensor& codes, const std::vector<std::string>& texts,
                                       Progress& progress) const {
  const ModelConfig& config = model_.vae.config();
  const auto count = static_cast<int64_t>(texts.size());
  const std::vector<int64_t> expected = {count, config.latent_tokens, config.latent_size};
  if (codes.sizes() != at::IntArrayRef(expected))
    throw DataError("codes do not fit the model and the texts", c10::str(codes.sizes()),
                    c10::str(at::IntArrayRef(expected)));
  TextLosses losses{at::zeros({count}, model_.vae.dtype()), at::zeros(expected, model_.vae.dtype())};
  const std::vector<std::vector<int32_t>> sequences = ids_of(model_, texts);
  std::vector<int64_t> lengths;
  for (const auto& ids : sequences) lengths.push_back(static_cast<int64_t>(ids.size()));
  in_parts("scoring texts", lengths, progress, [&](const Tensor& part) {
    const at::AutoGradMode with_gradients(true);
    const TokenBatch batch = make_token_batch(at_rows(sequences, part));
    const TokenStream stream = to_stream(batch, model_.vae.device());
    const Tensor rows = part.index_select(0, torch::tensor(batch.rows, at::kLong));
    const Tensor input = codes.detach().index_select(0, rows).to(model_.vae.dtype()).requires_grad_(true);
    const Tensor states =
        model_.vae.decoder_states(stream, model_.vae.decode_latent(input.to(model_.vae.device())), 0.0, {});
    const CrossEntropy written = model_.vae.decoder().cross_entropy(states, stream.ids);
    losses.gradient.index_copy_(0, rows, torch::autograd::grad({written.loss}, {input})[0]);
    const Tensor nats = written.token_nats.to(at::kCPU, losses.nats.scalar_type());
    for (size_t i = 0; i < stream.spans.size(); ++i)
      losses.nats[rows[static_cast<int64_t>(i)].item<int64_t>()] =
          nats.narrow(0, stream.spans[i].start, stream.spans[i].length).sum();
  });
  return losses;
}

}  // namespace tvae
