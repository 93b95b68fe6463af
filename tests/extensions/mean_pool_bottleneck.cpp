// A bottleneck of somebody else: this file alone adds it. The code is a linear function of the mean state.
#include "tvae/model/bottleneck.h"

namespace tvae {
namespace {

class MeanPoolBottleneck : public Bottleneck {
 public:
  MeanPoolBottleneck(const Scope& scope, const ModelConfig& config)
      : tokens_(config.latent_tokens),
        size_(config.latent_size),
        to_code_(Linear::with_bias(scope / "encoder" / "to_code", config.d_model, tokens_ * size_)),
        to_memory_(Linear::with_bias(scope / "decoder" / "to_memory", size_, config.d_model)) {}

  Posterior encode(const EncoderStates& encoded, const ForwardContext&) const override {
    std::vector<torch::Tensor> means;
    for (const Span& span : encoded.spans) means.push_back(encoded.states.narrow(0, span.start, span.length).mean(0));
    return Posterior::deterministic(to_code_(at::stack(means)).view({-1, tokens_, size_}));
  }

  Memory decode(const torch::Tensor& code, const ForwardContext&) const override {
    return {to_memory_(code).flatten(0, 1), equal_spans(code.size(0), tokens_), {}};
  }

 private:
  int64_t tokens_, size_;
  Linear to_code_, to_memory_;
};

const Register<BottleneckKind> registered(bottlenecks(), {"mean_pool",
                                                          "a linear function of the mean state",
                                                          {[](const Scope& scope, const ModelConfig& config) {
                                                            return std::make_unique<MeanPoolBottleneck>(scope, config);
                                                          }}});

}  // namespace
}  // namespace tvae
