// The published systems as whole models against independent PyTorch code: states, code, logits, loss parts and every
// gradient.
#include "tests/support/fixture.h"
#include "tvae/model/transformer_vae.h"
#include "tvae/ops/mmd.h"

namespace tvae {
namespace {

using test::Fixture;
using torch::Tensor;

ModelConfig small_t5(int64_t vocab_size, int64_t d_model, int64_t d_kv, int64_t d_ff) {
  ModelConfig config;
  config.vocab_size = vocab_size;
  config.d_model = d_model;
  config.d_kv = d_kv;
  config.d_ff = d_ff;
  config.num_heads = 2;
  config.encoder_layers = config.decoder_layers = 1;
  config.dropout = 0.0;
  config.feed_forward = "relu";
  config.posterior = "deterministic";
  config.inject_latent = false;
  return config;
}

ModelConfig config_of(const std::string& name) {
  if (name == "full_2020") {
    ModelConfig config = small_t5(24, 101, 2, 4);
    config.bottleneck = "fc";
    config.sequence_length = 3;
    config.latent_tokens = 1;
    config.latent_size = 4;
    return config;
  }
  ModelConfig config = small_t5(40, 16, 8, 32);
  config.bottleneck = "flax";
  config.latent_tokens = 3;
  config.latent_size = 6;
  if (name == "full_2021") {
    config.encoder = "funnel";
    config.funnel.block_sizes = "1_1_1";
    config.funnel.hidden_dropout = config.funnel.attention_dropout = 0.0;
    config.bottleneck = "tokens";
    config.sequence_length = 14;
    config.pad_inputs = true;
    config.tokens_bottleneck.mask_upsample_tail = false;
  }
  return config;
}

class WholeModelParity : public testing::TestWithParam<std::string> {};

TEST_P(WholeModelParity, LossPartsAndEveryGradient) {
  const Fixture fixture(GetParam());
  Rng rng(1);
  TransformerVae vae(config_of(GetParam()), rng);
  vae.parameters().load(fixture.part("weights."), GetParam());
  const TokenBatch batch = fixture.batch();
  const Tensor rows = torch::tensor(batch.rows, at::kLong);
  const ForwardResult forward = vae.forward(to_stream(batch, torch::kCPU), {}, {});

  const auto flat_code = [](const Tensor& code) { return code.flatten(0, -2); };
  const Tensor code = forward.code.reshape_as(fixture["z"]);
  EXPECT_LT(test::relative_error(code, fixture["z"].index_select(0, rows)), 1e-5);
  const bool mean = GetParam() != "full_2020";
  const Tensor cross_entropy =
      mean ? forward.reconstruction.loss / static_cast<double>(batch.tokens()) : forward.reconstruction.loss;
  EXPECT_LT(test::relative_error(cross_entropy, fixture["cross_entropy"]), 1e-5);
  const Tensor mmd = gaussian_mmd(flat_code(fixture["t"]), flat_code(code));
  EXPECT_LT(test::relative_error(mmd, fixture["mmd"]), 1e-5);
  Tensor loss = cross_entropy + fixture.number("loss_weights.mmd") * mmd;
  const auto error = vae.bottleneck().reconstruction_error(forward.encoded, forward.memory);
  ASSERT_EQ(error.has_value(), fixture.tensors.count("mse") == 1);
  if (error) {
    EXPECT_LT(test::relative_error(*error, fixture["mse"]), 1e-5);
    loss = loss + fixture.number("loss_weights.mse") * *error;
  }
  EXPECT_LT(test::relative_error(loss, fixture["loss"]), 1e-5);
  loss.backward();
  test::expect_gradients(vae.parameters(), fixture);
}

INSTANTIATE_TEST_SUITE_P(Systems, WholeModelParity, testing::Values("full_2020", "full_2021", "full_flax"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace tvae
