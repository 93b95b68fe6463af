#include "tvae/nn/encoder.h"

#include "tvae/base/error.h"
#include "tvae/nn/funnel.h"
#include "tvae/nn/t5.h"

namespace tvae {
namespace {

/// T5's encoder stack: as many states as tokens.
class T5Encoder : public Encoder {
 public:
  T5Encoder(const Scope& scope, const ModelConfig& config)
      : stack_(scope, config, /*is_decoder=*/false, config.encoder_layers) {}

  int64_t rows(int64_t length) const override { return length; }
  EncoderStates forward(const torch::Tensor& embeddings, const Spans& spans, const Spans& token_spans,
                        const ForwardContext& context) const override {
    return {stack_.forward(embeddings, spans, token_spans, nullptr, context), spans, token_spans};
  }

 private:
  T5Stack stack_;
};

}  // namespace

int64_t encoder_rows(const ModelConfig& config, int64_t length) {
  return config.encoder == "funnel" ? funnel_rows(config, length) : length;
}

std::unique_ptr<Encoder> make_encoder(const Scope& scope, const ModelConfig& config) {
  if (config.encoder == "t5") return std::make_unique<T5Encoder>(scope, config);
  if (config.encoder == "funnel") return std::make_unique<FunnelEncoder>(scope, config);
  throw ConfigError("model.encoder", "\"" + config.encoder + "\"", "t5 or funnel");
}

}  // namespace tvae
