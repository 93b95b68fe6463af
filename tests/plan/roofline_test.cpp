#include "tvae/plan/roofline.h"

#include <gtest/gtest.h>

#include "tests/support/tiny_model.h"
#include "tvae/config/presets.h"
#include "tvae/plan/product_count.h"
#include "tvae/train/setup.h"

namespace tvae {
namespace {

TEST(ProductCount, CountsTwoForEachPairOfFactors) {
  const torch::Tensor a = at::ones({3, 4}), b = at::ones({4, 5}), c = at::ones({3, 5});
  const ProductCount count;
  at::mm(a, b);
  EXPECT_EQ(count.operations(), 2 * 3 * 4 * 5);
  at::addmm(c, a, b);
  EXPECT_EQ(count.operations(), 4 * 3 * 4 * 5);
  at::matmul(at::ones({2, 7, 3, 4}), at::ones({2, 7, 4, 5}));
  EXPECT_EQ(count.operations(), (4 + 2 * 14) * 3 * 4 * 5);
  a* a;
  EXPECT_EQ(count.operations(), (4 + 2 * 14) * 3 * 4 * 5);
}

RunConfig base_run() {
  RunConfig config = resolve_config({"t5_vae_flax"}, {}).config;
  config.model = complete_model_config(config, 32128);
  return config;
}

TEST(Roofline, CountsTheProductsOfTheModel) {
  const RunConfig config = base_run();
  const StepShape shape{16, 32};
  const double products = predict_step(config, shape, torch::kCUDA).products;
  // Each weight of a layer is multiplied with each of its inputs once forward and twice backward. Of the decoder's
  // cross-attention keys and values the inputs are the memory's rows, which may be fewer.
  Rng rng(0);
  const TransformerVae vae(config.model, rng, torch::kMeta);
  double layers = 0, table = 0;
  for (const NamedParameter& parameter : vae.parameters().list()) {
    if (parameter.kind == WeightKind::kMatrix) layers += static_cast<double>(parameter.value.numel());
    if (parameter.name == "shared.weight") table = static_cast<double>(parameter.value.numel());
  }
  const double tokens = 16 * 32;
  EXPECT_LT(products, 6.3 * tokens * (layers + table));
  EXPECT_GT(products, 5.5 * tokens * (layers + table));
}

TEST(Roofline, MoreProcessesNeedLessMemoryEachAndSendMore) {
  RunConfig config = base_run();
  config.loss.regularizer = "none";  // others compare the codes of all processes in each
  const Gpu& gpu = gpus().find("a100");
  const MemoryParts one = predict_memory(config, {256, 32}, torch::kCUDA),
                    eight = predict_memory(config, {256, 32, 8}, torch::kCUDA);
  EXPECT_LT(eight.optimizer, one.optimizer / 4);
  EXPECT_GT(one.logits, 0);
  EXPECT_EQ(eight.logits, one.logits) << "of its own tokens";
  EXPECT_LT(eight.weights, one.weights / 2) << "bf16 weights whole, an eighth of the masters";
  EXPECT_NEAR(static_cast<double>(eight.activations) / static_cast<double>(one.activations), 1.0, 0.1);
  const Roofline alone = roofline(config, {256, 32}, gpu), of_eight = roofline(config, {256, 32, 8}, gpu),
                 of_many = roofline(config, {256, 32, 64}, gpu);
  EXPECT_EQ(alone.sum_seconds + alone.send_seconds, 0);
  EXPECT_NEAR(of_eight.operations / alone.operations, 1.0, 1e-9);
  EXPECT_LT(of_eight.traffic, alone.traffic) << "less of the optimizer in each";
  EXPECT_NEAR(of_eight.tokens_per_second, 8 * 256 * 32 / of_eight.seconds(), 1.0);
  EXPECT_GT(of_eight.tokens_per_second, 7 * alone.tokens_per_second);
  EXPECT_GT(of_many.sum_seconds, 5 * of_eight.sum_seconds) << "over the network";
}

}  // namespace
}  // namespace tvae
