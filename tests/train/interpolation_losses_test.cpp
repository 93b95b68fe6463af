// The losses between codes: values against their formulas written out, gradients, what they may and may not train.
#include "tvae/train/interpolation_losses.h"

#include "tests/support/fixture.h"
#include "tests/support/gradient_check.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"
#include "tvae/latent/paths.h"
#include "tvae/model/generate.h"
#include "tvae/ops/twice_differentiable.h"

namespace tvae::test {
namespace {

using torch::Tensor;

constexpr TrainingPosition kLate{/*step=*/20, /*total_steps=*/100};

ModelConfig model_with_critic() {
  ModelConfig config = tiny_config("tokens");
  config.funnel.hidden_dropout = config.funnel.attention_dropout = 0.0;
  config.critic_block_sizes = "1_1";
  return config;
}

struct Scene {
  Rng weights{7};
  TransformerVae vae{model_with_critic(), weights};
  Tokenizer tokenizer = byte_tokenizer();
  TokenStream batch = to_stream(tiny_batch(tokenizer), torch::kCPU);
  ForwardResult forward = vae.forward(batch, {}, {});

  InterpolationLosses::Result run(const LossConfig& loss, TrainingPosition position = kLate, uint64_t seed = 3) {
    Rng rng(seed);
    return InterpolationLosses(loss, vae.config())(vae, forward, batch.spans, position, {true, &rng});
  }
  Tensor weight(const std::string& name) {
    for (const NamedParameter& parameter : vae.parameters().list())
      if (parameter.name == name) return parameter.value;
    throw std::runtime_error("no weight " + name);
  }
  /// Weights that a loss gives a gradient other than zero.
  std::set<std::string> trained(const Tensor& loss) {
    for (const NamedParameter& parameter : vae.parameters().list())
      const_cast<Tensor&>(parameter.value).mutable_grad() = Tensor();
    loss.backward({}, /*retain_graph=*/true);
    std::set<std::string> names;
    for (const NamedParameter& parameter : vae.parameters().list())
      if (parameter.value.grad().defined() && parameter.value.grad().abs().max().item<float>() > 0)
        names.insert(parameter.name);
    return names;
  }
};

bool any_starts_with(const std::set<std::string>& names, const std::string& prefix) {
  const auto found = names.lower_bound(prefix);
  return found != names.end() && found->starts_with(prefix);
}

TEST(InterpolationLosses, NothingIsDueAtTheFirstStepOrBetween) {
  Scene scene;
  LossConfig loss;
  loss.cycle_weight = 1;
  loss.interpolation_every = 5;
  EXPECT_FALSE(scene.run(loss, {0, 100}).loss.defined());
  EXPECT_FALSE(scene.run(loss, {4, 100}).loss.defined());
  EXPECT_TRUE(scene.run(loss, {5, 100}).loss.defined());
  EXPECT_FALSE(scene.run(LossConfig{}).loss.defined()) << "off by default";
}

TEST(InterpolationLosses, TheBottleneckCycleIsItsFormula) {
  Scene scene;
  LossConfig loss;
  loss.vae_cycle_weight = 2.5;
  const InterpolationLosses::Result result = scene.run(loss);
  // The same numbers drawn by hand.
  Rng rng(3);
  const Tensor codes = scene.forward.code.detach();
  const int64_t count = codes.size(0);
  const Tensor ratios = 0.5 - (at::rand({count}, rng.generator(), at::kFloat) - 0.5).abs();
  double expected = 0;
  for (int64_t b = 0; b < count; ++b) {
    const Tensor moved = token_slerp_path(codes[b], codes[count - 1 - b], ratios.narrow(0, b, 1));
    const Tensor again = scene.vae.bottleneck().encode(scene.vae.bottleneck().states_of_code(moved, {}), {}).mode()[0];
    for (int64_t k = 0; k < codes.size(1); ++k) {
      const Tensor x = again[k], y = moved[0][k];
      expected += 1.0 - ((x * y).sum() / (x.norm() * y.norm())).item<double>();
    }
  }
  expected *= 2.5 / static_cast<double>(count * codes.size(1) * count);
  EXPECT_NEAR(result.metrics.at("vae_cycle").item<double>(), expected, 1e-5 * std::abs(expected));
  const std::set<std::string> trained = scene.trained(result.loss);
  EXPECT_TRUE(any_starts_with(trained, "vae.encoder.") && any_starts_with(trained, "vae.decoder."));
  EXPECT_FALSE(any_starts_with(trained, "decoder.") || any_starts_with(trained, "encoder."));
}

TEST(InterpolationLosses, TheCycleTrainsEncoderAndDecoder) {
  Scene scene;
  LossConfig loss;
  loss.cycle_weight = 1;
  const InterpolationLosses::Result result = scene.run(loss);
  const auto count = static_cast<double>(scene.forward.code.size(0));
  EXPECT_GE(result.metrics.at("cycle").item<double>(), 0.0);
  EXPECT_LE(result.metrics.at("cycle").item<double>(), 2.0 / count);
  const std::set<std::string> trained = scene.trained(result.loss);
  for (const char* part : {"encoder.", "decoder.", "vae.encoder.", "vae.decoder."})
    EXPECT_TRUE(any_starts_with(trained, part)) << part;
  EXPECT_FALSE(any_starts_with(trained, "vae.critic."));
}

TEST(InterpolationLosses, TheCriticLearnsFromItsOwnLossAloneAndTheModelFromItsJudgement) {
  for (const char* score : {"cls", "mean", "mean_no_act"}) {
    Scene scene;
    LossConfig loss;
    loss.critic.score = score;
    loss.critic.min_steps = 30;
    const InterpolationLosses::Result early = scene.run(loss, {20, 100});
    EXPECT_FALSE(early.metrics.contains("critic_on_model")) << score;
    const std::set<std::string> critic_only = scene.trained(early.loss);
    EXPECT_TRUE(any_starts_with(critic_only, "vae.critic."));
    for (const std::string& name : critic_only) EXPECT_TRUE(name.starts_with("vae.critic.")) << name;

    const InterpolationLosses::Result late = scene.run(loss, {30, 100});
    EXPECT_NEAR(late.metrics.at("critic").item<double>(), early.metrics.at("critic").item<double>(), 1e-6);
    scene.trained(early.loss);
    TensorMap before;
    for (const NamedParameter& parameter : scene.vae.parameters().list())
      if (parameter.name.starts_with("vae.critic.") && parameter.value.grad().defined())
        before[parameter.name] = parameter.value.grad().clone();
    EXPECT_TRUE(any_starts_with(scene.trained(late.loss), "decoder."));
    for (const auto& [name, gradient] : before)
      EXPECT_TRUE(at::allclose(scene.weight(name).grad(), gradient, 1e-4, 1e-8)) << name;
  }
}

TEST(InterpolationLosses, CriticScores) {
  Scene scene;
  const Tensor states = scene.forward.decoder_states.detach();
  const Critic& critic = *scene.vae.heads().critic;
  const Tensor cls = critic(states, scene.batch.spans, "cls", {}), mean = critic(states, scene.batch.spans, "mean", {}),
               raw = critic(states, scene.batch.spans, "mean_no_act", {});
  EXPECT_EQ(cls.sizes(), std::vector<int64_t>{static_cast<int64_t>(scene.batch.spans.size())});
  for (const Tensor& score : {cls, mean}) {
    EXPECT_GT(score.min().item<float>(), 0.0f);
    EXPECT_LT(score.max().item<float>(), 0.5f);
  }
  EXPECT_FALSE(torch::equal(cls, mean));
  EXPECT_FALSE(torch::equal(raw, mean));
}

TEST(InterpolationLosses, SmoothnessHasASecondDerivative) {
  for (const char* kind : {"logits", "logits_mean", "cosine"}) {
    Scene scene;
    LossConfig loss;
    loss.smoothness = kind;
    loss.smoothness_weight = 3;
    const InterpolationLosses::Result result = scene.run(loss);
    EXPECT_TRUE(result.loss.isfinite().item<bool>());
    const std::set<std::string> trained = scene.trained(result.loss);
    EXPECT_TRUE(any_starts_with(trained, "decoder.")) << kind;

    // One weight against a finite difference: wrong wherever an operation's gradient is no function of its own.
    Tensor weight = scene.weight("decoder.block.1.layer.2.DenseReluDense.wo.weight");
    const double analytic = weight.grad()[1][2].item<double>();
    const torch::NoGradGuard no_grad;
    const auto value_at = [&](double offset) {
      const float original = weight[1][2].item<float>();
      weight[1][2] += offset;
      const at::AutoGradMode with_gradients(true);
      const double value = scene.run(loss).loss.item<double>();
      const torch::NoGradGuard quiet;
      weight[1][2] = original;
      return value;
    };
    const double numeric = (value_at(1e-2) - value_at(-1e-2)) / 2e-2;
    EXPECT_NEAR(analytic, numeric, 2e-2 * std::abs(numeric) + 1e-4) << kind;
  }
}

TEST(InterpolationLosses, GradientsBetweenEqualCodesAreFinite) {
  for (const char* kind : {"logits", "logits_mean", "cosine"}) {
    Scene scene;
    scene.forward.code = scene.forward.code.detach().narrow(0, 0, 1).expand_as(scene.forward.code).clone();
    LossConfig loss;
    loss.smoothness = kind;
    loss.smoothness_weight = loss.cycle_weight = loss.vae_cycle_weight = 1;
    const InterpolationLosses::Result result = scene.run(loss);
    EXPECT_TRUE(result.loss.isfinite().item<bool>()) << kind;
    scene.trained(result.loss);
    for (const NamedParameter& parameter : scene.vae.parameters().list()) {
      const Tensor gradient = parameter.value.grad();
      EXPECT_TRUE(!gradient.defined() || gradient.isfinite().all().item<bool>()) << kind << ", " << parameter.name;
    }
  }
}

TEST(InterpolationLosses, WhatIsRememberedSurvivesACheckpoint) {
  Scene scene;
  LossConfig loss;
  loss.critic.score = "mean";
  loss.interpolation_every = 2;
  const auto run = [&](bool restart) {
    auto losses = std::make_unique<InterpolationLosses>(loss, scene.vae.config());
    Rng rng(11);
    EXPECT_FALSE((*losses)(scene.vae, scene.forward, scene.batch.spans, {21, 100}, {true, &rng}).loss.defined());
    if (restart) {
      const TensorMap saved = losses->state();
      EXPECT_EQ(saved.size(), 3u);
      losses = std::make_unique<InterpolationLosses>(loss, scene.vae.config());
      losses->load_state(saved);
    }
    return (*losses)(scene.vae, scene.forward, scene.batch.spans, {22, 100}, {true, &rng}).loss;
  };
  EXPECT_TRUE(torch::equal(run(false), run(true)));
  LossConfig without = loss;
  EXPECT_THROW(InterpolationLosses(without, tiny_config("tokens")), ConfigError) << "no critic in the model";
}

TEST(TwiceDifferentiable, OperationsAgreeWithTheirKernels) {
  Scene scene;
  const torch::NoGradGuard no_grad;
  const Tensor plain = scene.vae.forward(scene.batch, {}, {}).decoder_states;
  const TwiceDifferentiable stock;
  EXPECT_LT(relative_error(scene.vae.forward(scene.batch, {}, {}).decoder_states, plain), 1e-5);
}

}  // namespace
}  // namespace tvae::test
