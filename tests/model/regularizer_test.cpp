#include "tvae/model/regularizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "tests/support/fixture.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"
#include "tvae/ops/mmd.h"

namespace tvae {
namespace {

using torch::Tensor;

RegularizerInput input_of(const Tensor& mean, std::optional<Tensor> log_variance,
                          TrainingPosition position = {0, 100}) {
  return {Posterior::of(mean, std::move(log_variance)), mean, 10, position};
}

std::unique_ptr<Regularizer> make(const std::string& name, LossConfig loss, const ModelConfig& model) {
  loss.regularizer = name;
  return make_regularizer(loss, model);
}

TEST(Schedule, PublishedSigmoid) {
  LossConfig loss;
  loss.regularizer_schedule = "sigmoid";
  EXPECT_NEAR(regularizer_weight(loss, {0, 10000}), 0.0019267, 1e-6);
  EXPECT_NEAR(regularizer_weight(loss, {2500, 10000}), 0.5, 1e-12);
  EXPECT_NEAR(regularizer_weight(loss, {5000, 10000}), 0.998073, 1e-6);
}

TEST(Schedule, LinearRampAndCycles) {
  LossConfig loss;
  loss.regularizer_schedule = "linear";
  loss.regularizer_weight = 2.0;
  loss.schedule.start = 0.1;
  loss.schedule.end = 0.3;
  EXPECT_EQ(regularizer_weight(loss, {5, 100}), 0.0);
  EXPECT_NEAR(regularizer_weight(loss, {20, 100}), 1.0, 1e-12);
  EXPECT_EQ(regularizer_weight(loss, {90, 100}), 2.0);
  loss.regularizer_schedule = "cyclical";
  loss.kl.cycles = 2;
  EXPECT_EQ(regularizer_weight(loss, {20, 100}), 0.0);           // first half of a cycle
  EXPECT_NEAR(regularizer_weight(loss, {31, 100}), 0.96, 1e-9);  // .62 of a cycle: .12 / .25 of the rise
  EXPECT_EQ(regularizer_weight(loss, {45, 100}), 2.0);
  EXPECT_EQ(regularizer_weight(loss, {55, 100}), 0.0);  // the second cycle
}

TEST(MmdPublished, ScalingsDifferByTokensOverBatch) {
  LossConfig loss;
  const ModelConfig model = test::tiny_config("flax");
  torch::manual_seed(1);
  const Tensor code = at::rand({8, 3, 6});
  loss.mmd.scaling = "2020";
  Rng a(1), b(1);
  const double plain = (*make("mmd_published", loss, model))(input_of(code, {}), a).value.item<double>();
  loss.mmd.scaling = "2021";
  const double scaled = (*make("mmd_published", loss, model))(input_of(code, {}), b).value.item<double>();
  EXPECT_NEAR(scaled, plain * 3 / 8, 1e-9);
}

TEST(Mmd, FixtureValues) {
  const test::Fixture fixture("regularizers");
  const auto flat = [](const Tensor& codes) { return codes.flatten(0, 1); };
  EXPECT_LT(
      test::relative_error(gaussian_mmd(flat(fixture["mmd_2020.t"]), flat(fixture["mmd_2020.z"])), fixture["mmd_2020"]),
      1e-5);
  EXPECT_LT(test::relative_error(gaussian_mmd(flat(fixture["mmd_2021.t"]), flat(fixture["mmd_2021.z"])) * 3.0 / 8.0,
                                 fixture["mmd_2021"]),
            1e-4);
  EXPECT_LT(
      test::relative_error(multiquadric_mmd(fixture["mmd_imq.x"], fixture["mmd_imq.y"]), fixture["mmd_imq.unbiased"]),
      1e-4);
}

TEST(Kl, ClosedFormFreeBitsAndReduction) {
  const ModelConfig model = test::tiny_config("queries");
  const Tensor mean = torch::tensor({1.0f, 0.0f}).view({1, 1, 2}),
               log_variance = torch::tensor({0.0f, -2.0f}).view({1, 1, 2});
  const double first = 0.5, second = 0.5 * (std::exp(-2.0) - 1 + 2);
  LossConfig loss;
  loss.reduction = "sum";
  Rng rng(1);
  EXPECT_NEAR((*make("kl", loss, model))(input_of(mean, log_variance), rng).value.item<double>(), first + second, 1e-6);
  loss.kl.free_bits = 0.52;  // only the second dimension costs
  EXPECT_NEAR((*make("kl", loss, model))(input_of(mean, log_variance), rng).value.item<double>(), second, 1e-6);
  loss.reduction = "mean";
  EXPECT_NEAR((*make("kl", loss, model))(input_of(mean, log_variance), rng).value.item<double>(), second / 10, 1e-6);
}

TEST(Posterior, RateIsTheReferenceWithItsGradients) {
  const test::Fixture fixture("regularizers");
  const Tensor mean = fixture["kl.mean"].clone().requires_grad_(true),
               log_variance = fixture["kl.log_variance"].clone().requires_grad_(true);
  const Tensor rate = Posterior::gaussian(mean, log_variance).rate();
  EXPECT_LT(test::relative_error(rate, fixture["kl.to_standard_normal"]), 1e-5);
  rate.sum().backward();
  EXPECT_LT(test::relative_error(mean.grad(), fixture["kl.to_standard_normal.gradients.mean"]), 1e-5);
  EXPECT_LT(test::relative_error(log_variance.grad(), fixture["kl.to_standard_normal.gradients.log_variance"]), 1e-5);
}

TEST(Posterior, SamplesHaveItsMeanDeviationAndDensity) {
  Rng rng(4);
  const int64_t n = 20000;
  const Tensor mean = torch::tensor({1.0f, -2.0f}).expand({n, 1, 2}), deviation = torch::tensor({0.5f, 3.0f});
  const Posterior posterior = Posterior::gaussian(mean, (2.0 * deviation.log()).expand({n, 1, 2}));
  const Tensor drawn = posterior.sample(rng), standard = (drawn - mean) / deviation;
  EXPECT_EQ(rng.draws(), 1u);
  const double bound = 5.0 / std::sqrt(static_cast<double>(n));
  EXPECT_LT(standard.mean(0).abs().max().item<double>(), bound);
  EXPECT_LT((standard.square().mean(0) - 1.0).abs().max().item<double>(), std::sqrt(2.0) * bound);
  // E ln q(z) = −entropy.
  const double entropy = 2 * 0.5 * std::log(2 * std::numbers::pi * std::numbers::e) + std::log(0.5) + std::log(3.0);
  EXPECT_NEAR(posterior.log_density(drawn).mean().item<double>(), -entropy, bound);
  EXPECT_EQ(posterior.narrow(3, 2).mode().size(0), 2);
  EXPECT_EQ(posterior.to(at::kDouble).rate().scalar_type(), at::kDouble);
}

TEST(Posterior, ADeterministicOneDrawsNothing) {
  Rng rng(4);
  const Posterior posterior = Posterior::deterministic(at::randn({3, 2, 5}));
  EXPECT_FALSE(posterior.has_variance());
  EXPECT_TRUE(posterior.sample(rng).equal(posterior.mode()));
  EXPECT_EQ(rng.draws(), 0u);
}

TEST(Bottlenecks, TheirTraitsAreWhatTheyDo) {
  for (const auto& entry : bottlenecks().entries()) {
    const ModelConfig config = test::tiny_config(entry.name);
    const BottleneckTraits traits = bottleneck_traits(config);
    Rng rng(1);
    const TransformerVae vae(config, rng);
    const TokenStream batch = to_stream(test::tiny_batch(test::byte_tokenizer()), torch::kCPU);
    const ForwardResult result = vae.forward(batch, {}, {});
    EXPECT_EQ(result.posterior.has_variance(), traits.has_variance) << entry.name;
    EXPECT_EQ(vae.bottleneck().reconstruction_error(result.encoded, result.memory).has_value(), traits.rebuilds_states)
        << entry.name;
    EXPECT_EQ(vae.bottleneck().states_needed() == config.sequence_length, traits.fixed_length) << entry.name;
    ModelConfig settled = config;
    settled.latent_tokens = -1;
    settle_latent_tokens_and_padding(settled);
    EXPECT_EQ(settled.latent_tokens > 0, traits.codes_are_states) << entry.name;
    EXPECT_EQ(settled.pad_inputs, traits.codes_are_states) << entry.name;
  }
}

TEST(Kl, ARateThatIsNotFiniteIsAnErrorAndNoWeightIsSteeredByIt) {
  LossConfig loss;
  loss.kl.target = 10;
  const auto kl = make("kl", loss, test::tiny_config("queries"));
  const double before = kl->state().at("kl_weight").item<double>();
  Rng rng(1);
  for (const double broken : {std::nan(""), std::numeric_limits<double>::infinity()}) try {
      (*kl)(input_of(at::full({4, 3, 6}, broken), at::zeros({4, 3, 6}), {6, 100}), rng);
      ADD_FAILURE() << broken;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("the KL at step 7 is not finite"), std::string::npos) << error.what();
    }
  EXPECT_EQ(kl->state().at("kl_weight").item<double>(), before);
}

TEST(Kl, WeightIsSteeredTowardTheTarget) {
  LossConfig loss;
  loss.kl.target = 10;
  loss.kl.target_start = 10;
  const ModelConfig model = test::tiny_config("queries");
  const Tensor log_variance = at::zeros({4, 3, 6});
  Rng rng(1);
  const auto weight_after = [&](double mean) {
    const auto kl = make("kl", loss, model);
    for (int64_t step = 0; step < 50; ++step)
      for (int micro_batch = 0; micro_batch < 2; ++micro_batch)  // it is the step that counts
        (*kl)(input_of(at::full({4, 3, 6}, mean), log_variance, {step, 100}), rng);
    return kl->state().at("kl_weight").item<double>();
  };
  EXPECT_GT(weight_after(3.0), 0.02);   // 81 nats: too many
  EXPECT_LT(weight_after(3.0), 0.04);   // 50 steps of 2%, not 100
  EXPECT_LT(weight_after(0.1), 0.005);  // 0.09 nats: too few
  loss.kl.weight = 0.1;
  EXPECT_GT(weight_after(3.0), 0.2);
}

TEST(Kl, TheTargetFallsToItsFloorOnlyWhileHeldOutTextsComeBack) {
  LossConfig loss;
  loss.kl.target = 50;
  loss.kl.target_start = 100;
  loss.kl.target_descent = 0.5;
  loss.kl.target_floor = 20;
  loss.kl.target_tolerance = 1.0;
  Rng rng(1);
  const auto step = [&](Regularizer& kl, int64_t at) {
    return kl(input_of(at::full({4, 3, 6}, 1.0), at::zeros({4, 3, 6}), {at, 1000}), rng)
        .metrics.at("kl_target")
        .item<double>();
  };
  const auto target_at_end = [&](double nats, int64_t from) {
    const auto kl = make("kl", loss, test::tiny_config("queries"));
    for (int64_t at = 0; at < 999; ++at) {
      step(*kl, at);
      if (at % 100 == 99 && at >= from) kl->on_held_out(nats);
    }
    return step(*kl, 999);
  };
  EXPECT_NEAR(target_at_end(1.1, 0), 50, 1e-9) << "they do not come back";
  EXPECT_NEAR(target_at_end(0.9, 0), 20, 1e-9);
  EXPECT_NEAR(target_at_end(0.9, 600), 50 * std::exp(-std::log(2.5) * 0.1 / 0.5), 0.2) << "from .7 to .8 of the run";
  EXPECT_NEAR(target_at_end(0.9, 800), 50, 1e-9) << "too late for the weights to follow";
  loss.kl.target_floor = 0;
  EXPECT_NEAR(target_at_end(0.9, 0), 50, 1e-9) << "there is no floor";
}

TEST(Kl, AFallThatGoesOnUnsettlesAndIsKept) {
  LossConfig loss;
  loss.kl.target = 50;
  loss.kl.target_start = 50;
  loss.kl.target_descent = 0;
  loss.kl.target_floor = 20;
  const ModelConfig model = test::tiny_config("queries");
  Rng rng(1);
  const auto step = [&](Regularizer& kl, int64_t at) {
    return kl(input_of(at::full({4, 3, 6}, 1.0), at::zeros({4, 3, 6}), {at, 1000}), rng)
        .metrics.at("kl_target")
        .item<double>();
  };
  const auto kl = make("kl", loss, model), resumed = make("kl", loss, model);
  step(*kl, 0);
  EXPECT_TRUE(kl->rate_target({1, 1000})->settled);
  kl->on_held_out(0.5);
  EXPECT_TRUE(kl->rate_target({1, 1000})->settled) << "nothing has fallen yet";
  step(*kl, 1);
  EXPECT_FALSE(kl->rate_target({2, 1000})->settled);
  resumed->load_state(kl->state());
  EXPECT_FALSE(resumed->rate_target({2, 1000})->settled);
  EXPECT_EQ(step(*kl, 2), step(*resumed, 2));
  kl->on_held_out(1.5);
  const double target = step(*kl, 3);
  EXPECT_TRUE(kl->rate_target({4, 1000})->settled);
  EXPECT_EQ(kl->rate_target({4, 1000})->nats, target);
  EXPECT_EQ(step(*kl, 4), target);
}

TEST(Kl, NeedsAVariance) {
  LossConfig loss;
  EXPECT_THROW(make("kl", loss, test::tiny_config("flax")), ConfigError);
  loss.regularizer = "kll";
  EXPECT_THROW(make_regularizer(loss, test::tiny_config("queries")), ConfigError);
}

TEST(MmdRegularizer, TellsCollapsedCodesAndKeepsItsState) {
  LossConfig loss;
  loss.mmd.queue = 256;
  const ModelConfig model = test::tiny_config("queries");
  const auto value_of = [&](const Tensor& codes) {
    Rng rng(1);
    const auto mmd = make("mmd", loss, model);
    double value = 0;
    for (int i = 0; i < 100; ++i) value = (*mmd)(input_of(codes, {}), rng).value.item<double>();
    return value;
  };
  torch::manual_seed(1);
  EXPECT_GT(value_of(at::full({64, 3, 6}, 0.5)), value_of(at::randn({64, 3, 6})) + 0.5);

  Rng lonely(1);
  const auto one_code = make("mmd", loss, model);
  EXPECT_EQ((*one_code)(input_of(at::randn({1, 3, 6}), {}), lonely).value.item<double>(), 0.0);
  EXPECT_NE((*one_code)(input_of(at::randn({1, 3, 6}), {}), lonely).value.item<double>(), 0.0) << "the queue has one";

  const auto first = make("mmd", loss, model), second = make("mmd", loss, model);
  Rng rng(1);
  const Tensor codes = at::randn({16, 3, 6});
  (*first)(input_of(codes, {}), rng);
  second->load_state(first->state());
  Rng a(9), b(9);
  EXPECT_EQ((*first)(input_of(codes, {}), a).value.item<double>(),
            (*second)(input_of(codes, {}), b).value.item<double>());
}

}  // namespace
}  // namespace tvae
