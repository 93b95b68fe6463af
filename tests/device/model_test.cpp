// Whole models on the device of TVAE_TEST_DEVICE beside the CPU's own way through the operations. Where that device is
// the CPU too, it takes the compositions that a GPU would take.
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/backends.h"
#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tvae/config/presets.h"
#include "tvae/latent/codec.h"
#include "tvae/train/train_step.h"

namespace tvae::test {
namespace {

using torch::Tensor;

/// Where a step is made, and how.
struct Way {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::kFp32;
  bool stock = false;
};

const Way kReference;

Way tested(Precision precision) {
  return {test_device(), precision, /*stock=*/true};
}

/// A preset as a small model with every loss that it has, without dropout, whose masks are other ones on a GPU.
RunConfig still(const std::string& preset) {
  RunConfig config = resolve_config({preset}, {}).config;
  if (config.loss.critic.score != "none") config.model.critic_block_sizes = "1";
  if (config.loss.bag_of_words.weight > 0) config.model.bag_of_words = true;
  shrink(config.model);
  config.model.dropout = config.model.funnel.hidden_dropout = config.model.funnel.attention_dropout =
      config.model.funnel.activation_dropout = config.loss.latent_dropout = 0.0;
  config.data.max_tokens = 16;
  config.loss.critic.min_steps = 0;
  config.loss.interpolation_every = 1;
  config.train.recompute = {};
  return config;
}

struct Step {
  double loss = 0.0;
  std::map<std::string, Tensor> gradients;  // of every weight that has one, in fp64 on the CPU
};

Step step_of(const RunConfig& config, const Way& way, int64_t at = 0) {
  const StockOperations stock(way.stock);
  Rng weights(7), noise(1);
  TransformerVae vae(config.model, weights);
  vae.parameters().to(way.device, at::kFloat);
  TrainStep step(vae, config, way.precision);
  const TokenBatch batch = tiny_batch(byte_tokenizer());
  Step found;
  found.loss = step.accumulate(batch, {batch.tokens(), 1}, {at, 100}, noise).at("loss").item<double>();
  for (const NamedParameter& parameter : vae.parameters().list())
    if (const Tensor& gradient = parameter.value.grad(); gradient.defined())
      found.gradients[parameter.name] = gradient.to(at::kCPU, at::kDouble);
  return found;
}

double largest(const Tensor& x) {
  return x.abs().max().item<double>();
}

/// ‖a − b‖ / ‖b‖ of all gradients together.
double distance(const Step& a, const Step& b) {
  double difference = 0.0, whole = 0.0;
  for (const auto& [name, gradient] : b.gradients) {
    difference += (a.gradients.at(name) - gradient).square().sum().item<double>();
    whole += gradient.square().sum().item<double>();
  }
  return std::sqrt(difference / whole);
}

TEST(Device, LossAndEveryGradientOfEveryPresetInFp32) {
  for (const Preset& preset : all_presets()) {
    SCOPED_TRACE(preset.name);
    const RunConfig config = still(preset.name);
    const Step found = step_of(config, tested(Precision::kFp32), /*at=*/1),
               expected = step_of(config, kReference, /*at=*/1);
    EXPECT_NEAR(found.loss, expected.loss, 1e-5 * std::abs(expected.loss));  // fp32 has seven digits
    double largest_of_all = 0.0;
    for (const auto& [name, gradient] : expected.gradients)
      largest_of_all = std::max(largest_of_all, largest(gradient));
    ASSERT_EQ(found.gradients.size(), expected.gradients.size());
    // Sums of thousands of numbers in another order; where the loss does not depend on a weight, both are rounding
    // errors.
    for (const auto& [name, gradient] : expected.gradients)
      EXPECT_LT(largest(found.gradients.at(name) - gradient), std::max(2e-4 * largest(gradient), 1e-6 * largest_of_all))
          << name;
  }
}

TEST(Device, LossAndGradientsOfEveryPresetInBf16) {
  for (const Preset& preset : all_presets()) {
    SCOPED_TRACE(preset.name);
    const RunConfig config = still(preset.name);
    // At step 0: later ones decode a text of their own, and rounding would choose other tokens.
    const Step found = step_of(config, tested(Precision::kBf16Weights)), expected = step_of(config, kReference);
    EXPECT_NEAR(found.loss, expected.loss, 0.02 * std::abs(expected.loss));
    ASSERT_EQ(found.gradients.size(), expected.gradients.size());
    // Each number on the way is rounded by up to 2⁻⁹, and there are some tens of them between a weight and the loss.
    EXPECT_LT(distance(found, expected), 0.1);
  }
}

/// What resuming exactly rests on.
TEST(Device, AStepTwiceIsTheSameBitForBit) {
  for (const char* preset : {"lines_small", "t5_vae_2020", "transformer_vae_2021", "t5_vae_flax"})  // every bottleneck
    for (const Precision precision : {Precision::kFp32, Precision::kBf16Weights}) {
      SCOPED_TRACE(preset + std::string(precision == Precision::kFp32 ? ", fp32" : ", bf16"));
      RunConfig config = still(preset);
      config.model.dropout = 0.1;
      const Step once = step_of(config, tested(precision)), twice = step_of(config, tested(precision));
      EXPECT_EQ(once.loss, twice.loss);
      for (const auto& [name, gradient] : once.gradients)
        EXPECT_TRUE(at::equal(gradient, twice.gradients.at(name))) << name;
    }
}

TEST(Device, RecomputedPartsHaveTheGradientsOfKeptOnes) {
  for (const char* preset : {"lines_small", "transformer_vae_2021"}) {
    SCOPED_TRACE(preset);
    RunConfig config = still(preset);
    config.model.dropout = config.model.funnel.hidden_dropout = 0.1;
    const Step kept = step_of(config, tested(Precision::kFp32));
    config.train.recompute.encoder = true;
    config.train.recompute.decoder = 1;
    const Step again = step_of(config, tested(Precision::kFp32));
    EXPECT_EQ(kept.loss, again.loss);
    for (const auto& [name, gradient] : kept.gradients)
      EXPECT_TRUE(at::equal(gradient, again.gradients.at(name))) << name;
  }
}

/// The weights, one after the other, after some steps of an optimizer.
Tensor trained(const RunConfig& config, const Way& way, int64_t steps) {
  const StockOperations stock(way.stock);
  Rng weights(7), noise(1);
  TransformerVae vae(config.model, weights);
  vae.parameters().to(way.device, at::kFloat);
  TrainStep step(vae, config, way.precision);
  const TokenBatch batch = tiny_batch(byte_tokenizer());
  for (int64_t i = 0; i < steps; ++i) {
    step.accumulate(batch, {batch.tokens(), 1}, {i, 100}, noise);
    step.apply({i, 100});
  }
  std::vector<Tensor> all;
  for (const NamedParameter& parameter : step.masters())
    all.push_back(parameter.value.detach().to(at::kCPU, at::kDouble).flatten());
  return at::cat(all);
}

TEST(Device, EveryOptimizerMovesTheWeightsAsOnTheCpu) {
  for (const auto& optimizer : optimizers().names()) {
    SCOPED_TRACE(optimizer);
    RunConfig config = still("lines_small");
    config.train.optimizer = optimizer;
    config.train.learning_rate = 1e-3;
    config.train.warmup_steps = 1;
    config.train.ema_decay = 0.9;
    const Tensor start = trained(config, kReference, 0), expected = trained(config, kReference, 5),
                 found = trained(config, tested(Precision::kFp32), 5);
    const double moved = (expected - start).norm().item<double>();
    ASSERT_GT(moved, 0.0);
    // Where a gradient is nearly nothing, AdamW goes a whole step in a direction that rounding chose; Muon makes its
    // directions orthogonal in bf16 on a GPU.
    EXPECT_LT((found - expected).norm().item<double>(), (optimizer == "muon" ? 0.05 : 0.01) * moved);
  }
}

TEST(Device, CodesAndTextsAreThoseOfTheCpu) {
  const TemporaryFolder folder;
  const Model on_cpu = saved_model(folder.path());
  const Model model = load_model(folder.path(), test_device());
  const Tensor expected = encode_texts(on_cpu, lines()).mean, far = 3.0 * expected;
  const std::vector<std::string> texts = decode_codes(on_cpu, far);
  const StockOperations stock(true);
  EXPECT_LT(largest(encode_texts(model, lines()).mean - expected), 1e-5 * largest(expected));
  EXPECT_EQ(decode_codes(model, far), texts);
  GenerationOptions options;
  options.sample = true;
  options.top_k = 20;
  options.top_p = 0.9;
  options.seed = 5;
  const std::vector<std::string> drawn = decode_codes(model, expected, options);
  EXPECT_EQ(drawn, decode_codes(model, expected, options)) << "a seed says what is drawn";
  options.seed = 6;
  EXPECT_NE(drawn, decode_codes(model, expected, options));
}

}  // namespace
}  // namespace tvae::test
