#include "tvae/plan/meta_device.h"

#include <gtest/gtest.h>

#include "tests/support/tiny_model.h"
#include "tvae/config/presets.h"
#include "tvae/train/setup.h"
#include "tvae/train/train_step.h"

namespace tvae {
namespace {

RunConfig small_run(const std::vector<std::string>& presets, const std::vector<std::string>& assignments) {
  RunConfig config = resolve_config(presets, assignments).config;
  test::shrink(config.model);
  config.data.max_tokens = 16;
  config.model = complete_model_config(config, config.model.vocab_size);
  return config;
}

/// How often the host waits in a step on a device, its second one.
int64_t waits_of_a_step(const RunConfig& config, torch::DeviceType device) {
  MetaDevice meta(device);
  Rng rng(0);
  TransformerVae vae(config.model, rng, torch::kMeta);
  TrainStep step(vae, config);
  const TokenBatch batch = make_token_batch({{3, 4, 5, 1}, {3, 4, 5, 6, 7, 1}, {8, 9, 10, 1}, {3, 1}});
  int64_t before = 0;
  for (TrainingPosition position{1, 100}; position.step < 3; ++position.step) {
    before = meta.waits();
    step.accumulate(batch, {2 * batch.tokens(), 2}, position, rng);
    step.accumulate(batch, {2 * batch.tokens(), 2}, position, rng);
    step.apply(position);
  }
  return meta.waits() - before;
}

TEST(MetaDevice, CountsWhatAHostWaitsFor) {
  const MetaDevice meta(torch::kCUDA);
  const torch::Tensor x = at::zeros({3}, torch::kMeta);
  EXPECT_EQ(meta.waits(), 0);
  x.sum().item<float>();
  EXPECT_EQ(meta.waits(), 1);
  at::zeros({3}).to(torch::kMeta);
  EXPECT_EQ(meta.waits(), 2);
  at::zeros({3}).to(torch::kMeta, at::kFloat, /*non_blocking=*/true);
  EXPECT_EQ(meta.waits(), 2);
  x.to(torch::kCPU);
  EXPECT_EQ(meta.waits(), 3);
}

TEST(MetaDevice, ATrainingStepNeverWaitsForTheDevice) {
  const std::vector<std::vector<std::string>> optimizers = {
      {"train.optimizer=adamw"}, {"train.optimizer=muon"}, {"train.optimizer=adafactor", "train.ema_decay=0.99"}};
  for (const Preset& preset : all_presets())
    for (const auto& assignments : optimizers) {
      SCOPED_TRACE(preset.name + " " + assignments[0]);
      std::vector<std::string> more = assignments;
      // These decode text every now and then, which asks for every token (docs/scale.md).
      for (const char* off :
           {"loss.cycle_weight=0", "loss.vae_cycle_weight=0", "loss.critic.score=none", "loss.smoothness=none"})
        more.emplace_back(off);
      const RunConfig config = small_run({preset.name}, more);
      for (const torch::DeviceType device : {torch::kCUDA, torch::kCPU})
        EXPECT_EQ(waits_of_a_step(config, device), 0) << c10::DeviceTypeName(device);
    }
}

TEST(MetaDevice, NorDoesOneWithEveryNoiseAndRegularizer) {
  for (const char* regularizer : {"none", "kl", "mmd", "mmd_published"}) {
    SCOPED_TRACE(regularizer);
    const RunConfig config =
        small_run({"lines_small"},
                  {std::string("loss.regularizer=") + regularizer, "loss.latent_mix=0.3", "loss.latent_dropout=0.2",
                   "loss.mlm_probability=0.15", "loss.decoder_token_mask=0.2", "loss.decoder_token_mask_end=1",
                   "model.bag_of_words=true", "loss.bag_of_words.weight=0.1", "loss.bag_of_words.end=1"});
    EXPECT_EQ(waits_of_a_step(config, torch::kCUDA), 0);
  }
}

}  // namespace
}  // namespace tvae
