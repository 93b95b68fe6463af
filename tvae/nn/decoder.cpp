#include "tvae/nn/decoder.h"

#include <cmath>

#include "tvae/nn/batch_spans.h"
#include "tvae/nn/t5.h"

namespace tvae {
namespace {

using torch::Tensor;

struct T5Cache : DecoderCache {
  Spans memory_spans;
  Tensor input_embedding;  // of the memory
  int64_t capacity = 0;
  std::vector<LayerCache> layers;
};

class T5Decoder : public Decoder {
 public:
  T5Decoder(const Scope& scope, const ModelConfig& config, const Embedding& embedding)
      : stack_(scope, config, /*is_decoder=*/true, config.decoder_layers),
        embedding_(embedding),
        output_(embedding.tied_output()),
        tied_(config.tie_word_embeddings),
        output_std_(config.initializer_factor),
        logit_scale_(config.scale_logits ? 1.0 / std::sqrt(static_cast<double>(config.d_model)) : 1.0) {}

  void make_output(const Scope& scope) override {
    if (!tied_)
      output_ = Linear(scope / "lm_head", embedding_.width(), embedding_.ids(), Init::normal(output_std_), {},
                       WeightKind::kTable);
  }

  Tensor forward(const Tensor& inputs, const Spans& spans, const Memory& memory,
                 const ForwardContext& context) const override {
    Tensor embeddings = embedding_(inputs);
    if (memory.input_embedding.defined())
      embeddings = embeddings + memory.input_embedding.index_select(
                                    0, sequence_of_row(spans, inputs.size(0)).to(embeddings.device()));
    return stack_.forward(embeddings, spans, spans, &memory, context);
  }

  std::unique_ptr<DecoderCache> make_cache(const Memory& memory, int64_t rows, int64_t capacity) const override {
    auto cache = std::make_unique<T5Cache>();
    cache->memory_spans = memory.spans;
    cache->input_embedding = memory.input_embedding;
    cache->capacity = capacity;
    cache->layers = stack_.make_cache(memory, rows, capacity);
    return cache;
  }

  Tensor step(const Tensor& ids, const std::vector<int64_t>& rows, int64_t position,
              DecoderCache& cache) const override {
    auto& own = static_cast<T5Cache&>(cache);
    Tensor embeddings = embedding_(ids);
    if (own.input_embedding.defined())
      embeddings = embeddings + own.input_embedding.index_select(0, torch::tensor(rows, at::kLong).to(ids.device()));
    return stack_.step(embeddings, rows, position, own.capacity, own.memory_spans, own.layers);
  }

  Tensor logits(const Tensor& states) const override {
    const Tensor logits = output_(states);
    return at::GradMode::is_enabled() ? logits * logit_scale_ : logits.mul_(logit_scale_);
  }

  CrossEntropy cross_entropy(const Tensor& states, const Tensor& targets) const override {
    return linear_cross_entropy(states, output_.dense_weight(), targets, {}, logit_scale_);
  }

 private:
  T5Stack stack_;
  Embedding embedding_;
  Linear output_;  // onto the ids; of the embedding where they are tied
  bool tied_;
  double output_std_, logit_scale_;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(const Scope& scope, const ModelConfig& config, const Embedding& embedding) {
  return std::make_unique<T5Decoder>(scope, config, embedding);
}

}  // namespace tvae
