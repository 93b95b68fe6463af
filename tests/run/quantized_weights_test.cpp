#include "tvae/run/quantized_weights.h"

#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

TEST(QuantizedWeights, AreWithinHalfAStepOfTheOriginal) {
  torch::manual_seed(1);
  const TensorMap weights = {{"a.weight", at::randn({5, 40}) * at::logspace(-3, 2, 5).unsqueeze(1)},
                             {"zero.weight", at::zeros({2, 3})},
                             {"norm.weight", at::randn({7})}};
  const TensorMap packed = quantize_int8(weights);
  EXPECT_EQ(packed.at("a.weight").scalar_type(), at::kChar);
  EXPECT_EQ(packed.at("a.weight").abs().amax(1).min().item<int64_t>(), 127);
  const TensorMap back = dequantize(packed, "test");
  ASSERT_EQ(back.size(), weights.size());
  EXPECT_TRUE(back.at("norm.weight").equal(weights.at("norm.weight")));
  EXPECT_TRUE(back.at("zero.weight").equal(weights.at("zero.weight")));
  const Tensor &original = weights.at("a.weight"), error = (back.at("a.weight") - original).abs();
  const Tensor half_step = original.abs().amax(1, true) / 254.0;
  EXPECT_TRUE((error <= half_step * (1 + 1e-4)).all().item<bool>());
  EXPECT_TRUE((error.amax(1, true) > 0.3 * half_step).all().item<bool>()) << "a rounding that rounds nothing?";
}

TEST(QuantizedWeights, OrdinaryWeightsPassUnchanged) {
  const TensorMap weights = {{"a.weight", at::randn({2, 3}, at::kHalf)}, {"b_scale", at::randn({2})}};
  const TensorMap same = dequantize(weights, "test");
  ASSERT_EQ(same.size(), 2u);
  for (const auto& [name, weight] : weights) EXPECT_TRUE(same.at(name).equal(weight)) << name;
}

TEST(QuantizedWeights, DamagedScalesAreCheckpointErrors) {
  const TensorMap whole = quantize_int8({{"a.weight", at::randn({4, 3})}});
  TensorMap missing = whole, shape = whole, integers = whole, infinite = whole;
  missing.erase("a.weight_scale");
  shape["a.weight_scale"] = at::ones({4});
  integers["a.weight_scale"] = at::ones({4, 1}, at::kInt);
  infinite["a.weight_scale"] = at::full({4, 1}, std::numeric_limits<double>::infinity());
  for (const TensorMap& damaged : {missing, shape, integers, infinite})
    EXPECT_THROW(dequantize(damaged, "test"), CheckpointError);
}

TEST(QuantizedWeights, AModelLoadsThem) {
  const test::TemporaryFolder folder;
  const Model model = test::saved_model(folder.path("model"));
  const auto reload = [&](const TensorMap& weights) {
    save_model(folder.path("small"), model.vae.config(), model.max_tokens, model.check, weights, model.tokenizer);
    return load_model(folder.path("small"));
  };
  TensorMap half;
  for (const auto& [name, weight] : model.vae.parameters().to_map()) half[name] = weight.to(at::kHalf);
  for (const TensorMap& weights : {quantize_int8(model.vae.parameters().to_map()), half}) {
    const Model small = reload(weights);
    for (const NamedParameter& parameter : small.vae.parameters().list())
      EXPECT_EQ(parameter.value.scalar_type(), at::kFloat) << parameter.name;
    const TokenStream batch = to_stream(test::tiny_batch(model.tokenizer), torch::kCPU);
    const torch::NoGradGuard no_grad;
    const Tensor code = model.vae.encode(batch).mode(), small_code = small.vae.encode(batch).mode();
    const double difference = (code - small_code).norm().item<double>() / code.norm().item<double>();
    EXPECT_LT(difference, 0.05);
    EXPECT_GT(difference, 0.0);
  }
}

}  // namespace
}  // namespace tvae
