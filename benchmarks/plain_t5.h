// T5 without a bottleneck, made of the library's stacks: the decoder reads the encoder's states.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tvae/data/token_batch.h"
#include "tvae/io/huggingface.h"
#include "tvae/nn/batch_spans.h"
#include "tvae/nn/decoder.h"
#include "tvae/nn/t5.h"

namespace tvae {

class PlainT5 {
 public:
  /// `source` is named in errors: CheckpointError where the weights are not those of this T5.
  PlainT5(const ModelConfig& config, WeightMap weights, const std::string& source)
      : config_(config), parameters_(std::move(weights), source) {
    const Scope root(parameters_);
    shared_ = Embedding(root / "shared", config.vocab_size, config.d_model, Init::constant(0.0));
    encoder_ = T5Stack(root / "encoder", config, /*is_decoder=*/false, config.encoder_layers);
    decoder_ = make_decoder(root / "decoder", config, shared_);
    decoder_->make_output(root);
    parameters_.require_all_asked_for();
  }

  const ModelConfig& config() const { return config_; }
  Parameters& parameters() { return parameters_; }
  torch::Device device() const { return shared_.device(); }
  const Decoder& decoder() const { return *decoder_; }

  /// The encoder's states of a batch, for the decoder.
  Memory encode(const TokenBatch& batch, const ForwardContext& context) const {
    const Spans spans = spans_of(batch.groups);
    const torch::Tensor ids = torch::tensor(std::vector<int64_t>(batch.ids.begin(), batch.ids.end()), at::kLong);
    return {encoder_.forward(shared_(ids.to(device())), spans, spans, nullptr, context), spans, {}};
  }

 private:
  ModelConfig config_;
  Parameters parameters_;
  Embedding shared_;
  T5Stack encoder_;
  std::unique_ptr<Decoder> decoder_;
};

/// `count` batches of consecutive sequences, or as many as there are, from a safetensors file: ids [N] int32, lengths
/// [sequences] int64.
inline std::vector<std::vector<std::vector<int32_t>>> load_sequences(const std::string& path, int64_t batch_size,
                                                                     int64_t count) {
  const TensorMap data = load_safetensors(path);
  const int32_t* ids = data.at("ids").const_data_ptr<int32_t>();
  const torch::Tensor& lengths = data.at("lengths");
  std::vector<std::vector<std::vector<int32_t>>> batches;
  for (int64_t i = 0; i < lengths.size(0) / batch_size * batch_size && i < count * batch_size; ++i) {
    const int64_t length = lengths[i].item<int64_t>();
    if (i % batch_size == 0) batches.emplace_back();
    batches.back().emplace_back(ids, ids + length);
    ids += length;
  }
  return batches;
}

/// The same as token streams.
inline std::vector<TokenBatch> load_batches(const std::string& path, int64_t batch_size, int64_t count) {
  std::vector<TokenBatch> batches;
  for (const auto& sequences : load_sequences(path, batch_size, count)) batches.push_back(make_token_batch(sequences));
  return batches;
}

}  // namespace tvae
