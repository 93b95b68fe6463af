// T5 against transformers 4.57.6: states, logits, loss, every gradient, ten AdamW steps, greedy tokens.
#include "tests/support/fixture.h"
#include "tvae/nn/batch_spans.h"
#include "tvae/nn/t5.h"
#include "tvae/ops/linear_cross_entropy.h"
#include "tvae/optim/optimizer.h"

namespace tvae {
namespace {

using test::Fixture;
using torch::Tensor;

/// A plain T5 from the library's own stacks.
struct PlainT5 {
  Rng rng{1};
  ModelConfig config;
  Parameters parameters{rng};
  Tensor shared, lm_head;
  T5Stack encoder, decoder;

  explicit PlainT5(const ModelConfig& model) : config(model) {
    const Scope root(parameters);
    shared = (root / "shared").table("weight", {config.vocab_size, config.d_model}, Init::normal(1.0));
    encoder = T5Stack(root / "encoder", config, false, config.encoder_layers);
    decoder = T5Stack(root / "decoder", config, true, config.decoder_layers);
    lm_head =
        config.tie_word_embeddings ? shared : (root / "lm_head").table("weight", shared.sizes(), Init::normal(1.0));
  }
  double scale() const { return config.scale_logits ? 1.0 / std::sqrt(static_cast<double>(config.d_model)) : 1.0; }
};

ModelConfig config_of(const std::string& name) {
  ModelConfig config;
  config.vocab_size = 40;
  config.d_model = 16;
  config.d_kv = 8;
  config.d_ff = 32;
  config.num_heads = 2;
  config.encoder_layers = config.decoder_layers = 2;
  config.dropout = 0.0;
  config.feed_forward = "relu";
  if (name == "t5_v1_1") {
    config.feed_forward = "gated-gelu";
    config.tie_word_embeddings = config.scale_logits = false;
    config.decoder_layers = 1;
    config.relative_attention_num_buckets = 8;
    config.relative_attention_max_distance = 10;
  }
  return config;
}

class T5Parity : public testing::TestWithParam<std::string> {
 protected:
  T5Parity() : fixture_(GetParam() + "/parity"), t5_(config_of(GetParam())), batch_(fixture_.batch()) {
    TensorMap weights = load_safetensors(test::fixture_path(GetParam() + "/model.safetensors"));
    for (const char* alias : {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}) weights.erase(alias);
    t5_.parameters.load(weights, GetParam());
    spans_ = spans_of(batch_.groups);
    ids_ = at::from_blob(batch_.ids.data(), {batch_.tokens()}, at::kInt).to(at::kLong);
  }

  Memory encode() const {
    return {t5_.encoder.forward(at::embedding(t5_.shared, ids_), spans_, spans_, nullptr, {}), spans_, {}};
  }
  Tensor decode(const Memory& memory) const {
    std::vector<int64_t> shifted(ids_.size(0));
    for (const Span& span : spans_)
      for (int64_t i = 0; i < span.length; ++i)
        shifted[span.start + i] = i == 0 ? 0 : ids_[span.start + i - 1].item<int64_t>();
    return t5_.decoder.forward(at::embedding(t5_.shared, torch::tensor(shifted, at::kLong)), spans_, spans_, &memory,
                               {});
  }
  Tensor mean_loss() const {
    return linear_cross_entropy(decode(encode()), t5_.lm_head, ids_, {}, t5_.scale()).loss /
           static_cast<double>(ids_.size(0));
  }

  Fixture fixture_;
  PlainT5 t5_;
  TokenBatch batch_;
  Spans spans_;
  Tensor ids_;
};

TEST_P(T5Parity, StatesLogitsLossAndEveryGradient) {
  const Memory memory = encode();
  EXPECT_LT(test::relative_error(memory.states, Fixture::in_stream(fixture_["encoder_states"], batch_)), 1e-5);
  const Tensor logits = at::mm(decode(memory), t5_.lm_head.t()) * t5_.scale();
  EXPECT_LT(test::relative_error(logits, Fixture::in_stream(fixture_["logits"], batch_)), 1e-5);
  const Tensor loss = mean_loss();
  EXPECT_LT(test::relative_error(loss, fixture_["loss"]), 1e-5);
  loss.backward();
  test::expect_gradients(t5_.parameters, fixture_);
}

TEST_P(T5Parity, TenAdamWSteps) {
  TrainConfig train;
  train.optimizer = "adamw";
  train.learning_rate = fixture_.number("adamw.learning_rate");
  train.weight_decay = fixture_.number("adamw.weight_decay");
  const auto optimizer = make_optimizer(train, t5_.parameters.list(), [](const NamedParameter&) { return true; });
  const Tensor losses = fixture_["adamw.losses"];
  for (int64_t step = 0; step <= 10; ++step) {
    optimizer->zero_grad();
    const Tensor loss = mean_loss();
    EXPECT_LT(test::relative_error(loss, losses[step]), 1e-4) << "after " << step << " steps";
    loss.backward();
    optimizer->step(1.0);
  }
}

TEST_P(T5Parity, GreedyTokensWithTheCache) {
  const torch::NoGradGuard no_grad;
  const Tensor generated = fixture_["generated"];
  const int64_t steps = generated.size(1) - 1;
  const Memory memory = encode();
  T5Cache cache = t5_.decoder.make_cache(memory, steps);
  std::vector<int64_t> rows, previous;
  for (int64_t row = 0; row < batch_.sequences(); ++row) {
    rows.push_back(row);
    previous.push_back(0);
  }
  for (int64_t position = 0; position < steps; ++position) {
    const Tensor states = t5_.decoder.step(at::embedding(t5_.shared, torch::tensor(previous, at::kLong)), rows,
                                           std::vector<int64_t>(rows.size(), position), cache);
    const Tensor chosen = (at::mm(states, t5_.lm_head.t()) * t5_.scale()).argmax(1);
    std::vector<int64_t> still, next;
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t id = chosen[static_cast<int64_t>(i)].item<int64_t>();
      EXPECT_EQ(id, generated[batch_.rows[rows[i]]][position + 1].item<int64_t>())
          << "row " << rows[i] << ", token " << position;
      if (id == config_of(GetParam()).eos_token_id) continue;
      still.push_back(rows[i]);
      next.push_back(id);
    }
    rows = still;
    previous = next;
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, T5Parity, testing::Values("t5_v1_0", "t5_v1_1"),
                         [](const auto& tested) { return tested.param; });

TEST(RelativePosition, BucketsOfTransformers) {
  const Fixture fixture("buckets");
  const Tensor positions = fixture["relative_position"];
  for (const auto& [name, buckets] : fixture.tensors) {
    if (name == "relative_position") continue;
    const bool bidirectional = name.rfind("both.", 0) == 0;
    const size_t first = name.find('.'), second = name.rfind('.');
    const int64_t num_buckets = std::stoll(name.substr(first + 1, second - first - 1)),
                  max_distance = std::stoll(name.substr(second + 1));
    for (int64_t i = 0; i < positions.size(0); ++i)
      EXPECT_EQ(relative_position_bucket(positions[i].item<int64_t>(), bidirectional, num_buckets, max_distance),
                buckets[i].item<int64_t>())
          << name << " at " << positions[i].item<int64_t>();
  }
}

}  // namespace
}  // namespace tvae
