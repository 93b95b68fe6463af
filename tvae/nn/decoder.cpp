#include "tvae/nn/decoder.h"

#include <cmath>

#include "tvae/nn/batch_spans.h"
#include "tvae/nn/t5.h"
#include "tvae/ops/on_device.h"

namespace tvae {
namespace {

using torch::Tensor;

struct T5DecoderCache : DecoderCache {
  T5Cache stack;
  Tensor input_embedding;  // of the memory
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
      // As rows of a table, whose gradients are summed in the same order every time, on a GPU too.
      embeddings = embeddings + at::embedding(memory.input_embedding,
                                              on_device(sequence_of_row(spans, inputs.size(0)), embeddings.device()));
    return stack_.forward(embeddings, spans, spans, &memory, context);
  }

  std::unique_ptr<DecoderCache> make_cache(const Memory& memory, int64_t capacity) const override {
    auto cache = std::make_unique<T5DecoderCache>();
    cache->stack = stack_.make_cache(memory, capacity);
    cache->input_embedding = memory.input_embedding;
    return cache;
  }

  void replace_rows(DecoderCache& cache, const std::vector<int64_t>& rows, const Memory& memory) const override {
    auto& own = static_cast<T5DecoderCache&>(cache);
    stack_.replace_rows(own.stack, rows, memory);
    if (memory.input_embedding.defined())
      own.input_embedding.index_copy_(0, on_device(rows, memory.states.device()), memory.input_embedding);
  }

  Tensor step(const std::vector<int64_t>& ids, const std::vector<int64_t>& rows, const std::vector<int64_t>& positions,
              DecoderCache& cache) const override {
    auto& own = static_cast<T5DecoderCache&>(cache);
    Tensor embeddings = embedding_(on_device(ids, embedding_.device()));
    if (own.input_embedding.defined())
      embeddings = embeddings + own.input_embedding.index_select(0, on_device(rows, embeddings.device()));
    return stack_.step(embeddings, rows, positions, own.stack);
  }

  Tensor logits(const Tensor& states) const override {
    return output_(logit_scale_ == 1.0 ? states : states * logit_scale_);
  }

  CrossEntropy cross_entropy(const Tensor& states, const Tensor& targets) const override {
    // Without gradients int8 weights are multiplied as they are while decoding, instead of being made dense.
    if (output_.is_int8() && !at::GradMode::is_enabled())
      return cross_entropy_of([this](const Tensor& some) { return logits(some); }, states, targets, output_.outputs());
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
