#include "tvae/run/quantized_weights.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <numeric>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

/// The numbers that a file's tensors stand for.
TensorMap dense(const TensorMap& tensors) {
  TensorMap numbers;
  for (const auto& [name, weight] : join_scales(tensors, "test")) numbers[name] = weight.dense();
  return numbers;
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "";
}

int64_t bytes_of(const Parameters& parameters) {
  size_t bytes = 0;
  for (const NamedParameter& parameter : parameters.list())
    bytes += parameter.value.nbytes() + (parameter.scale.defined() ? parameter.scale.nbytes() : 0);
  return static_cast<int64_t>(bytes);
}

TEST(QuantizedWeights, AreWithinHalfAStepOfTheOriginal) {
  torch::manual_seed(1);
  const TensorMap weights = {{"a.weight", at::randn({5, 40}) * at::logspace(-3, 2, 5).unsqueeze(1)},
                             {"zero.weight", at::zeros({2, 3})},
                             {"norm.weight", at::randn({7})}};
  const TensorMap packed = quantize_int8(weights);
  EXPECT_EQ(packed.at("a.weight").scalar_type(), at::kChar);
  EXPECT_EQ(packed.at("a.weight").abs().amax(1).min().item<int64_t>(), 127);
  const TensorMap back = dense(packed);
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
  const TensorMap same = dense(weights);
  ASSERT_EQ(same.size(), 2u);
  for (const auto& [name, weight] : weights) EXPECT_TRUE(same.at(name).equal(weight)) << name;
}

TEST(QuantizedWeights, DamagedOnesAreCheckpointErrorsHoweverTheyAreLoaded) {
  const test::TemporaryFolder folder;
  const Model model = test::saved_model(folder.path("m"));
  const TensorMap whole = quantize_int8(model.vae.parameters().to_map());
  const std::string name = "shared.weight", scale = name + "_scale";
  const int64_t rows = whole.at(name).size(0), columns = whole.at(name).size(1);
  const auto with = [&whole](const std::string& key, const Tensor& tensor) {
    TensorMap changed = whole;
    changed[key] = tensor;
    return changed;
  };
  TensorMap missing = whole, unknown = whole;
  missing.erase(scale);
  unknown["more.weight"] = at::zeros({2, 2}, at::kChar);
  unknown["more.weight_scale"] = at::ones({2, 1});
  const double infinite = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<TensorMap, std::string>> cases = {
      {missing, "lacks the scale " + scale},
      {with(scale, at::ones({rows})), scale + " does not fit"},
      {with(scale, at::ones({rows - 1, 1})), scale + " does not fit"},
      {with(scale, at::ones({rows, 1}, at::kInt)), scale + " does not fit"},
      {with(scale, at::full({rows, 1}, infinite)), "numbers of " + scale + " are not finite"},
      {with(scale, at::full({rows, 1}, 3e38)), "numbers of " + name + " are not finite"},
      {with(scale, at::full({rows, 1}, 1e300, at::kDouble)), "numbers of " + name + " are not finite"},
      {with(name, at::zeros({rows, columns + 1}, at::kChar)), "weight " + name + ": got shape"},
      {with(name, at::zeros({rows, columns}, at::kShort)), "weight " + name + ": got Short"},
      {unknown, "does not know: got more.weight"},
  };
  for (const auto& [tensors, expected] : cases) {
    save_safetensors(folder.path("m/model.safetensors"), tensors);
    for (const LoadWeights how : {LoadWeights::kDense, LoadWeights::kAsStored}) {
      const std::string error = error_of([&] { load_model(folder.path("m"), torch::kCPU, how); });
      EXPECT_NE(error.find(expected), std::string::npos) << error << ", not " << expected;
    }
  }
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
    for (const NamedParameter& parameter : small.vae.parameters().list()) {
      EXPECT_EQ(parameter.value.scalar_type(), at::kFloat) << parameter.name;
      EXPECT_TRUE(parameter.value.requires_grad()) << parameter.name;
    }
    const TokenStream batch = to_stream(test::tiny_batch(model.tokenizer), torch::kCPU);
    const torch::NoGradGuard no_grad;
    const Tensor code = model.vae.encode(batch).mode(), small_code = small.vae.encode(batch).mode();
    const double difference = (code - small_code).norm().item<double>() / code.norm().item<double>();
    EXPECT_LT(difference, 0.05);
    EXPECT_GT(difference, 0.0);
  }
}

TEST(QuantizedWeights, OtherWeightsAreTheSameHoweverTheyAreLoaded) {
  const test::TemporaryFolder folder;
  const Model model = test::saved_model(folder.path("m"));
  const TensorMap weights = load_model(folder.path("m"), torch::kCPU, LoadWeights::kAsStored).vae.parameters().to_map();
  for (const auto& [name, weight] : model.vae.parameters().to_map())
    EXPECT_TRUE(weights.at(name).equal(weight)) << name;
}

/// Every kind of model with int8 weights, kept so and made dense.
class Int8Model : public testing::TestWithParam<const char*> {
 protected:
  static ModelConfig config() {
    ModelConfig config = test::tiny_config(GetParam());
    config.tie_word_embeddings = std::string(GetParam()) != "tokens";
    config.bag_of_words = true;
    if (config.bottleneck == "tokens") config.critic_block_sizes = "1_1";
    if (config.bottleneck == "queries") config.posterior = "gaussian";
    return config;
  }
  static TransformerVae loaded(bool dense_weights) {
    Rng rng(1);
    WeightMap weights = join_scales(quantize_int8(TransformerVae(config(), rng).parameters().to_map()), "test");
    for (auto& [name, weight] : weights)
      if (dense_weights) weight = {weight.dense()};
    return {config(), std::move(weights), "test"};
  }
  static double difference(const Tensor& found, const Tensor& expected) {
    return ((found - expected).norm() / expected.norm()).item<double>();
  }

  /// Sums in another order, through a dozen layers of fp32. Where integers are multiplied, the rows of each product are
  /// rounded by up to 1/254 of their largest number, about a two-hundredth of what is common, which adds up.
  const double kRounding = multiplies_integers() ? 0.05 : 1e-4;
  const TransformerVae vae_ = loaded(false), dense_ = loaded(true);
  const TokenStream batch_ = to_stream(test::tiny_batch(test::byte_tokenizer()), torch::kCPU);
};

TEST_P(Int8Model, HoldsInt8Weights) {
  EXPECT_EQ(vae_.parameters().count(), dense_.parameters().count());
  ASSERT_EQ(vae_.parameters().list().size(), dense_.parameters().list().size());
  EXPECT_EQ(vae_.dtype(), at::kFloat);
  int64_t small = 0, large = 0;  // bytes of what is int8, and of its dense counterpart
  for (size_t i = 0; i < vae_.parameters().list().size(); ++i) {
    const NamedParameter &kept = vae_.parameters().list()[i], &full = dense_.parameters().list()[i];
    EXPECT_EQ(kept.name, full.name);
    EXPECT_EQ(kept.kind, full.kind);
    EXPECT_EQ(kept.value.sizes(), full.value.sizes());
    const bool is_int8 = kept.value.scalar_type() == at::kChar;
    EXPECT_EQ(is_int8, kept.scale.defined());
    if (!is_int8) {
      EXPECT_TRUE(kept.value.equal(full.value)) << kept.name;
      EXPECT_TRUE(kept.value.dim() != 2 || kept.name.find("relative_attention_bias") != std::string::npos ||
                  kept.name.ends_with("queries") || kept.name.ends_with("positions") ||
                  kept.name.find(".r_") != std::string::npos)
          << kept.name << " should be int8";
      continue;
    }
    small += static_cast<int64_t>(kept.value.nbytes());
    large += static_cast<int64_t>(full.value.nbytes());
  }
  EXPECT_EQ(small * 4, large);
  EXPECT_LT(bytes_of(vae_.parameters()), bytes_of(dense_.parameters()) / 2)
      << "scales and norms are much, if rows are 16";
  const TensorMap written = vae_.parameters().to_map();
  for (const auto& [name, weight] : dense_.parameters().to_map()) EXPECT_TRUE(written.at(name).equal(weight)) << name;
}

TEST_P(Int8Model, EncodesAndDecodesAsTheDenseOne) {
  const torch::NoGradGuard no_grad;
  const Tensor code = dense_.encode(batch_).mode();
  EXPECT_LT(difference(vae_.encode(batch_).mode(), code), kRounding);
  const Memory memory = dense_.decode_latent(code), kept = vae_.decode_latent(code);
  EXPECT_LT(difference(kept.states, memory.states), kRounding);
  const Tensor states = dense_.decoder_states(batch_, memory, 0.0, {});
  EXPECT_LT(difference(vae_.decoder_states(batch_, memory, 0.0, {}), states), kRounding);
  EXPECT_LT(difference(vae_.decoder().logits(states), dense_.decoder().logits(states)), kRounding);
  EXPECT_LT(difference(vae_.decoder().cross_entropy(states, batch_.ids).token_nats,
                       dense_.decoder().cross_entropy(states, batch_.ids).token_nats),
            kRounding);
  EXPECT_LT(difference((*vae_.heads().bag_of_words)(code), (*dense_.heads().bag_of_words)(code)), kRounding);
  for (const size_t rows : {1, 2}) {  // a step of the decoder
    const auto one = [rows](const TransformerVae& vae, const Memory& of) {
      const auto cache = vae.decoder().make_cache(of, 4);
      std::vector<int64_t> ids(rows, 65), all(rows), positions(rows, 0);
      std::iota(all.begin(), all.end(), 0);
      return vae.decoder().logits(vae.decoder().step(ids, all, positions, *cache));
    };
    EXPECT_LT(difference(one(vae_, kept), one(dense_, memory)), kRounding) << rows;
  }
}

TEST_P(Int8Model, PassesGradientsToTheCodeAndToNoWeight) {
  const auto gradient = [&](const TransformerVae& vae) {
    const Tensor code =
        at::full({static_cast<int64_t>(batch_.spans.size()), vae.config().latent_tokens, vae.config().latent_size}, 0.1)
            .requires_grad_(true);
    const Tensor states = vae.decoder_states(batch_, vae.decode_latent(code), 0.0, {});
    (vae.decoder().cross_entropy(states, batch_.ids).loss + vae.decoder().logits(states).square().mean()).backward();
    return code.grad();
  };
  EXPECT_LT(difference(gradient(vae_), gradient(dense_)), 1e-6) << "the same dense products";
  for (const NamedParameter& parameter : vae_.parameters().list())
    EXPECT_FALSE(parameter.scale.defined() && parameter.value.grad().defined()) << parameter.name;
}

INSTANTIATE_TEST_SUITE_P(Bottlenecks, Int8Model, testing::Values("queries", "tokens", "fc", "flax"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tvae
