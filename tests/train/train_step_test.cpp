// One optimizer step in bf16: what adds up must not be rounded away.
#include "tvae/train/train_step.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/tiny_model.h"
#include "tvae/data/batcher.h"
#include "tvae/train/held_out_scores.h"

namespace tvae {
namespace {

using torch::Tensor;

/// Without anything random in a step.
RunConfig still_run(const std::string& bottleneck = "queries") {
  RunConfig config;
  config.data.max_tokens = 16;
  config.model = test::tiny_config(bottleneck);
  config.model.posterior = "deterministic";
  config.model.dropout = 0.0;
  config.loss.regularizer = "none";
  config.loss.decoder_token_mask = config.loss.encoder_token_mask = config.loss.latent_dropout = 0.0;
  config.loss.latent_mix = config.loss.mlm_probability = 0.0;
  config.train.clip_norm = 0;
  return config;
}

TEST(TrainStep, Bf16GradientsOfMicroBatchesAddUpInFp32) {
  RunConfig config = still_run();
  const TokenBatch batch = test::tiny_batch(test::byte_tokenizer());
  const auto norm_of = [&](int64_t micro_batches) {
    Rng rng(7), noise(1);
    TransformerVae vae(config.model, rng);
    config.train.accumulation_steps = micro_batches;
    TrainStep step(vae, config, Precision::kBf16Weights);
    for (int64_t i = 0; i < micro_batches; ++i)
      step.accumulate(batch, {micro_batches * batch.tokens(), micro_batches}, {}, noise);
    return step.apply({}).gradient_norm.item<double>();
  };
  // 512 times the same micro-batch: each gradient is the whole one divided by a power of two, which no format rounds,
  // and fp32 holds their sums exactly. In bf16 a sum stands still once it is 256 times what is added.
  const double once = norm_of(1);
  EXPECT_GT(once, 0.0);
  EXPECT_DOUBLE_EQ(norm_of(512), once);
}

TEST(TrainStep, HeldOutKlOfABf16ModelIsSummedInFullPrecision) {
  Rng rng(7);
  const RunConfig config = still_run();
  ModelConfig model = config.model;
  model.posterior = "gaussian";
  TransformerVae vae(model, rng);
  vae.parameters().to(torch::kCPU, at::kBFloat16);
  const Tokenizer tokenizer = test::byte_tokenizer();
  const TokenDataset data = test::tiny_dataset(tokenizer);
  const std::optional<double> kl = evaluate_held_out(vae, data, 0).kl;
  ASSERT_TRUE(kl.has_value());
  const torch::NoGradGuard no_grad;
  BatchOptions everything;
  everything.batch_tokens = data.tokens();
  everything.shuffle = false;
  const Posterior posterior = vae.encode(to_stream(Batcher(data, everything).next(), torch::kCPU));
  ASSERT_EQ(posterior.mode().size(0), data.size());
  const double expected = posterior.to(at::kDouble).rate().sum().item<double>() / static_cast<double>(data.size());
  EXPECT_NEAR(*kl, expected, 1e-6 * expected);  // fp32 has seven digits, a sum in bf16 three
}

TEST(TrainStep, AHeldOutKlThatIsNotFiniteIsSeen) {
  Rng rng(7);
  ModelConfig model = still_run().model;
  model.posterior = "gaussian";
  TransformerVae vae(model, rng);
  for (const NamedParameter& parameter : vae.parameters().list())
    if (parameter.name == "vae.encoder.log_variance.bias") parameter.value.detach().fill_(std::nan(""));
  const Tokenizer tokenizer = test::byte_tokenizer();
  const HeldOutScores scores = evaluate_held_out(vae, test::tiny_dataset(tokenizer), 0);
  ASSERT_TRUE(scores.kl.has_value()) << "a NaN is no model without a KL";
  EXPECT_TRUE(std::isnan(*scores.kl));
}

TEST(TrainStep, FiguresOfABf16ModelHaveMoreThanBf16sDigits) {
  RunConfig config = still_run("fc");
  Rng rng(7), noise(1);
  TransformerVae vae(config.model, rng);
  TrainStep step(vae, config);
  const TokenBatch batch = test::tiny_batch(test::byte_tokenizer());
  const double error =
      step.accumulate(batch, {batch.tokens(), 1}, {}, noise).at("encoding_reconstruction").item<double>();
  const torch::NoGradGuard no_grad;
  const ForwardResult forward = vae.forward(to_stream(batch, torch::kCPU), {}, {});
  const double expected =
      (forward.memory.states.to(at::kDouble) - forward.encoded.states.to(at::kDouble)).square().mean().item<double>();
  EXPECT_NEAR(error, expected, 1e-5 * expected);
}

}  // namespace
}  // namespace tvae
