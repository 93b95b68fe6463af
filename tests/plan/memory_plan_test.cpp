// Predictions come from running the step on tensors without memory; here the same step runs on real ones.
#include "tvae/plan/memory_plan.h"

#include <gtest/gtest.h>

#include "tests/support/tiny_model.h"
#include "tvae/config/presets.h"
#include "tvae/model/transformer_vae.h"
#include "tvae/ops/linear.h"
#include "tvae/train/setup.h"

namespace tvae::test {
namespace {

/// A preset made small enough to run, and large enough for its activations to outweigh everything else.
RunConfig small_run(const std::vector<std::string>& presets, const std::vector<std::string>& assignments = {}) {
  RunConfig config = resolve_config(presets, assignments).config;
  ModelConfig& model = config.model;
  const bool windows = model.attention_window.size > 0;
  shrink(model);
  if (windows) model.attention_window.size = 15;
  model.d_model = model.d_ff = 128;
  model.d_kv = 32;
  model.num_heads = 4;
  model.decoder_layers = 3;
  model.latent_size = 16;
  model.vocab_size = 500;
  config.data.max_tokens = 40;
  config.model = complete_model_config(config, model.vocab_size);
  return config;
}

TEST(MemoryPlan, WeightsAreThoseOfTheModel) {
  for (const Preset& preset : all_presets()) {
    SCOPED_TRACE(preset.name);
    RunConfig config = resolve_config({preset.name}, {}).config;
    shrink(config.model);
    config.data.max_tokens = 16;
    config.model = complete_model_config(config, config.model.vocab_size);
    Rng rng(1);
    const TransformerVae vae(config.model, rng);
    const MemoryParts parts = predict_memory(config, {2, 16}, torch::kCPU);
    EXPECT_EQ(parts.weights, vae.parameters().count() * 4);
    EXPECT_GT(parts.activations, 0);
    if (config.train.ema_decay > 0) {
      EXPECT_EQ(parts.average, parts.weights);
    }
    if (config.train.optimizer == "adamw") {
      EXPECT_GE(parts.optimizer, 2 * parts.weights);
    }
    // On CUDA: bf16 weights beside their fp32 masters, sizes rounded up to 512 bytes.
    EXPECT_GE(predict_memory(config, {2, 16}, torch::kCUDA).weights, vae.parameters().count() * 6);
  }
}

TEST(MemoryPlan, PredictsWhatATrainingStepAllocates) {
  std::vector<std::pair<std::string, RunConfig>> runs = {
      {"queries, muon, average", small_run({"lines_small"})},
      {"fc", small_run({"t5_vae_2020"})},
      {"flax, adafactor", small_run({"t5_vae_flax"}, {"train.optimizer=adafactor"})},
      {"funnel", small_run({"transformer_vae_2021"})},
      {"factorized", small_run({"transformer_vae_2021"}, {"model.funnel.attention=factorized"})},
      {"checkpoints", small_run({"grad_check_pnt"})},
      {"checkpoint of every layer, windows", small_run({"window60"}, {"train.recompute.decoder=1"})},
      {"two micro-batches", small_run({"funnel_tiny"}, {"train.accumulation_steps=2"})},
      {"mmd with its queue", small_run({"lines_small"}, {"loss.regularizer=mmd", "loss.mmd.queue=300"})},
  };
  if (has_bf16_products()) {
    runs.emplace_back("bf16 products", small_run({"grad_check_pnt"}, {"train.precision=bf16"}));
    runs.emplace_back("bf16 products, two micro-batches",
                      small_run({"funnel_tiny"}, {"train.precision=bf16", "train.accumulation_steps=2"}));
  }
  for (const auto& [name, config] : runs) {
    SCOPED_TRACE(name);
    const StepShape shape{8, 40};
    const int64_t predicted = predict_memory(config, shape, torch::kCPU).total();
    const int64_t allocated = measure_memory(config, shape, torch::kCPU).allocated;
    // Stock kernels may allocate scratch of their own.
    EXPECT_NEAR(static_cast<double>(predicted) / static_cast<double>(allocated), 1.0, 0.05)
        << predicted << " predicted, " << allocated << " allocated";
  }
}

// Muon's matrices are made by several threads, of which now one is faster and now another.
TEST(MemoryPlan, IsTheSameEveryTime) {
  const RunConfig config = small_run({"lines_small"});
  ASSERT_EQ(config.train.optimizer, "muon");
  const int threads = at::get_num_threads();
  at::set_num_threads(4);
  const StepShape small{1, 2};  // so that the optimizer's work is the peak
  const int64_t first = predict_memory(config, small, torch::kCPU).total();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(predict_memory(config, small, torch::kCPU).total(), first);
  at::set_num_threads(threads);
}

TEST(MemoryPlan, CheckpointsAndShorterSequencesTakeLess) {
  const auto total = [](const std::vector<std::string>& presets, int64_t length) {
    return predict_memory(small_run(presets), {64, length}, torch::kCPU).activations;
  };
  EXPECT_LT(total({"grad_check_pnt"}, 40), total({"transformer_vae_2021"}, 40) / 2);
  EXPECT_LT(total({"transformer_vae_2021"}, 10), total({"transformer_vae_2021"}, 40));
}

TEST(MemoryPlan, FindsTheLargestBatchInFewSteps) {
  for (const int64_t first : {1, 7, 100, 60000}) {
    int calls = 0;
    const auto line = [&calls](int64_t batch) -> std::optional<int64_t> { return ++calls, 1000 + 10 * batch; };
    EXPECT_EQ(largest_batch(line, 1999, first), 99);
    EXPECT_LE(calls, 12);
    EXPECT_EQ(largest_batch(line, 2000, first), 100);
    EXPECT_EQ(largest_batch(line, 1009, first), 0);
    EXPECT_EQ(largest_batch(line, 1010, first), 1);
    EXPECT_EQ(largest_batch(line, int64_t{1} << 40, first), kLargestPlannedBatch);
    calls = 0;
    const auto bounded = [&calls](int64_t batch) -> std::optional<int64_t> {  // measurements end where memory does
      ++calls;
      return batch > 77 ? std::nullopt : std::optional<int64_t>(batch * batch);
    };
    EXPECT_EQ(largest_batch(bounded, 10000, first), 77);
    EXPECT_LE(calls, 30);
    calls = 0;
    const auto cut_early = [&calls](int64_t batch) -> std::optional<int64_t> {  // before the limit
      ++calls;
      return batch > 900 ? std::nullopt : std::optional<int64_t>(1000 + 10 * batch);
    };
    EXPECT_EQ(largest_batch(cut_early, 11000, first), 900);
    EXPECT_LE(calls, 30);
    EXPECT_EQ(largest_batch(bounded, 5000, first), 70);
    EXPECT_NEAR(static_cast<double>(largest_batch(bounded, 5000, first, 0.1)), 70, 7);
  }
}

}  // namespace
}  // namespace tvae::test
