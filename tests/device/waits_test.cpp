// On a GPU, libtorch itself says where the host would wait for it; tests/plan/meta_device_test.cpp counts that without
// one.
#include <gtest/gtest.h>

#include "tests/support/backends.h"
#include "tests/support/tiny_model.h"
#include "tvae/config/presets.h"
#include "tvae/train/train_step.h"

#if defined(TVAE_TORCH_HAS_CUDA) && __has_include(<cuda_runtime_api.h>)
#include <c10/cuda/CUDAFunctions.h>

namespace tvae::test {
namespace {

/// While it lives, what waits for the GPU throws.
class NoWaits {
 public:
  NoWaits() { c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR); }
  ~NoWaits() { c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED); }
  NoWaits(const NoWaits&) = delete;
  NoWaits& operator=(const NoWaits&) = delete;
};

TEST(Device, ATrainingStepNeverWaitsForTheGpu) {
  if (!test_device().is_cuda()) GTEST_SKIP() << "TVAE_TEST_DEVICE is no GPU";
  for (const Preset& preset : all_presets()) {
    SCOPED_TRACE(preset.name);
    RunConfig config = resolve_config({preset.name}, {}).config;
    shrink(config.model);
    config.data.max_tokens = 16;
    // Losses between codes decode text, which asks for every token.
    config.loss.cycle_weight = config.loss.vae_cycle_weight = 0.0;
    config.loss.critic.score = config.loss.smoothness = "none";
    if (config.loss.bag_of_words.weight > 0) config.model.bag_of_words = true;
    Rng rng(7), noise(1);
    TransformerVae vae(config.model, rng);
    vae.parameters().to(test_device(), at::kFloat);
    TrainStep step(vae, config, Precision::kBf16Weights);
    const TokenBatch batch = tiny_batch(byte_tokenizer());
    const auto make = [&](int64_t at) {
      step.accumulate(batch, {batch.tokens(), 1}, {at, 100}, noise);
      step.apply({at, 100});
    };
    make(0);  // memory and the libraries' handles are made by the first one
    const NoWaits no_waits;
    EXPECT_NO_THROW(make(1));
  }
}

}  // namespace
}  // namespace tvae::test
#endif
