#include "tvae/latent/directions.h"

#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

using torch::Tensor;

/// Two kinds of Gaussian codes [N, 2, 4] whose means lie `gap` deviations apart along a planted direction.
struct Planted {
  Tensor direction, positive, negative;
  Planted(double gap, int64_t n, uint64_t seed) {
    Rng rng(seed);
    direction = at::randn({2, 4}, rng.generator(), at::kFloat);
    direction = direction / direction.norm();
    positive = at::randn({n, 2, 4}, rng.generator(), at::kFloat) + 0.5 * gap * direction;
    negative = at::randn({n, 2, 4}, rng.generator(), at::kFloat) - 0.5 * gap * direction;
  }
};

double cosine(const Tensor& a, const Tensor& b) {
  return at::cosine_similarity(a.flatten().to(at::kDouble), b.flatten().to(at::kDouble), 0).item<double>();
}

TEST(Directions, APlantedDirectionIsRecoveredByEveryMethod) {
  const Planted planted(/*gap=*/3.0, 300, 1);
  for (const auto& [name, help, method, order] : direction_methods().entries()) {
    const DirectionFit fit = fit_direction(name, planted.positive, planted.negative, 42);
    EXPECT_GT(cosine(fit.direction.step, planted.direction), 0.95) << name;
    EXPECT_EQ(fit.facts["method"], name);
    EXPECT_EQ(fit.facts["held_out"], 120);
    EXPECT_EQ(fit.facts["held_out_majority"], 0.5);
    // The best possible is Φ(1.5) = 0.933; 120 texts give it a standard error of 0.023.
    EXPECT_NEAR(fit.facts["held_out_accuracy"].get<double>(), 0.933, 0.08) << name;
  }
}

TEST(Directions, AStepMovesTheLogitAsFarAsTheMeansLieApart) {
  const Planted planted(2.0, 200, 2);
  for (const auto& [name, help, method, order] : direction_methods().entries()) {
    const Direction direction = fit_direction(name, planted.positive, planted.negative, 42).direction;
    const auto mean_logit = [&](const Tensor& codes) { return direction.logit.value(codes).mean().item<double>(); };
    const double apart = mean_logit(planted.positive) - mean_logit(planted.negative);
    EXPECT_GT(apart, 1.0) << name;
    EXPECT_NEAR(mean_logit(planted.negative + direction.step) - mean_logit(planted.negative), apart, 1e-4 * apart);
  }
}

TEST(Directions, TheLogitOfTheMeanDifferenceIsThatOfTheGaussians) {
  const Planted planted(2.0, 5000, 3);
  const Direction direction = fit_direction("mean", planted.positive, planted.negative, 42).direction;
  // For N(±g/2, I) it is g along the direction; 5,000 codes give means and variance to within some percent.
  const Tensor at_two = (2.0 * planted.direction).unsqueeze(0);
  EXPECT_NEAR(direction.logit.value(at_two).item<double>(), 4.0, 0.4);
  EXPECT_NEAR(direction.logit.value(at::zeros({1, 2, 4})).item<double>(), 0.0, 0.2);
}

TEST(Directions, NumbersThatDoNotVaryAreLeftAlone) {
  Planted planted(3.0, 50, 4);
  planted.positive.select(1, 0).fill_(0.25);
  planted.negative.select(1, 0).fill_(0.25);
  for (const auto& [name, help, method, order] : direction_methods().entries()) {
    const Tensor step = fit_direction(name, planted.positive, planted.negative, 42).direction.step;
    EXPECT_EQ(step[0].abs().max().item<float>(), 0.0f) << name;
    EXPECT_GT(step[1].abs().max().item<float>(), 0.1f) << name;
  }
}

TEST(Directions, WithoutAGapTheAccuracyIsChance) {
  const Planted planted(0.0, 500, 5);
  const DirectionFit fit = fit_direction("logistic", planted.positive, planted.negative, 42);
  EXPECT_NEAR(fit.facts["held_out_accuracy"].get<double>(), 0.5, 0.14);  // four standard errors of 200 texts
}

TEST(Directions, WhatCannotBeFittedIsRefused) {
  const Planted planted(3.0, 20, 6);
  const auto fit = [](const Tensor& positive, const Tensor& negative) {
    fit_direction("mean", positive, negative, 42);
  };
  EXPECT_THROW(fit(planted.positive.narrow(0, 0, 4), planted.negative), DataError);
  EXPECT_THROW(fit(planted.positive, planted.negative.narrow(0, 0, 0)), DataError);
  EXPECT_THROW(fit(planted.positive, planted.positive), DataError);
  EXPECT_THROW(fit(at::ones({20, 2, 4}), at::ones({20, 2, 4})), CheckpointError);
  EXPECT_THROW(fit_direction("median", planted.positive, planted.negative, 42), ConfigError);
}

TEST(Directions, NamesAreFileNames) {
  for (const char* name : {"comment", "has_return", "v1.2", "A-b"}) EXPECT_NO_THROW(check_direction_name(name)) << name;
  for (const char* name : {"", ".", "..", ".hidden", "-x", "a/b", "../up", "a b", "é", "a\n"})
    EXPECT_THROW(check_direction_name(name), ConfigError) << name;
  EXPECT_THROW(check_direction_name(std::string(101, 'a')), ConfigError);
}

TEST(Directions, ASavedOneComesBackAndADamagedOneIsNamed) {
  const test::TemporaryFolder folder;
  const Model model = test::saved_model(folder.path("m"));
  EXPECT_TRUE(direction_names(model.directory).empty());
  EXPECT_THROW(load_direction(model, "up"), ConfigError);
  const Planted planted(3.0, 50, 7);
  const DirectionFit fit = fit_direction("logistic", planted.positive, planted.negative, 42);
  save_direction(model, "up", fit);
  save_direction(model, "another", fit);
  EXPECT_EQ(direction_names(model.directory), (std::vector<std::string>{"another", "up"}));
  EXPECT_EQ(direction_facts(model.directory, "up"), fit.facts);
  const DirectionFit loaded = load_direction(model, "up");
  EXPECT_TRUE(loaded.direction.step.equal(fit.direction.step));
  EXPECT_TRUE(loaded.direction.logit.value(planted.positive).equal(fit.direction.logit.value(planted.positive)));
  EXPECT_THROW(load_direction(model, "upp"), ConfigError);
  EXPECT_THROW(save_direction(model, "../up", fit), ConfigError);

  const std::string path = folder.path("m/latent/directions/up.safetensors");
  const std::map<std::string, std::string> metadata = {{"facts", "{}"}};
  save_safetensors(path, {{"step", at::zeros({2, 5})}}, metadata);
  EXPECT_THROW(load_direction(model, "up"), CheckpointError);
  save_safetensors(path, {{"step", at::zeros({2, 4})}});
  EXPECT_THROW(direction_facts(model.directory, "up"), CheckpointError);
  for (const char* facts : {"{}", "[]", "not json", R"({"method": 3, "positive": "x"})"}) {
    save_safetensors(path, {{"step", at::zeros({2, 4})}}, {{"facts", facts}});
    EXPECT_THROW(direction_facts(model.directory, "up"), CheckpointError) << facts;
  }
  folder.put("m/latent/directions/up.safetensors", "nothing");
  EXPECT_THROW(load_direction(model, "up"), CheckpointError);
  DirectionFit broken = fit;
  broken.direction.step = at::full({2, 4}, std::numeric_limits<float>::quiet_NaN());
  save_direction(model, "up", broken);
  EXPECT_THROW(load_direction(model, "up"), CheckpointError);
  broken = fit;
  broken.direction.logit.scale.deviation = -fit.direction.logit.scale.deviation;
  save_direction(model, "up", broken);
  EXPECT_THROW(load_direction(model, "up"), CheckpointError);
}

}  // namespace
}  // namespace tvae
