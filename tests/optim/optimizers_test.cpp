// Every optimizer against the reference of tests/fixtures/optimizers.safetensors; decay, clipping and the moving
// average against their definitions.
#include <torch/nn/utils/clip_grad.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/support/fixture.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"
#include "tvae/optim/ema.h"
#include "tvae/optim/gradients.h"
#include "tvae/optim/muon.h"
#include "tvae/optim/optimizer.h"

namespace tvae {
namespace {

using test::Fixture;
using test::relative_error;
using torch::Tensor;

constexpr int64_t kSteps = 10;  // of the fixture

bool always(const NamedParameter&) {
  return true;
}

NamedParameter parameter(const std::string& name, const Tensor& value, WeightKind kind) {
  return {name, value.detach().clone().requires_grad_(true), kind};
}

/// The fixture's weights, as matrices where they have two dimensions or more.
std::vector<NamedParameter> initial_weights(const Fixture& fixture, const std::vector<std::string>& names) {
  std::vector<NamedParameter> weights;
  for (const std::string& name : names) {
    const Tensor& value = fixture["initial." + name];
    weights.push_back(parameter(name, value, value.dim() > 1 ? WeightKind::kMatrix : WeightKind::kVector));
  }
  return weights;
}

void set_gradients(const Fixture& fixture, std::vector<NamedParameter>& weights, int64_t step) {
  for (NamedParameter& weight : weights)
    weight.value.mutable_grad() = fixture["gradients." + weight.name][step].clone();
}

/// Ten steps; the weights after each are the fixture's to `tolerance` of the largest one.
void expect_steps(const std::string& reference, const TrainConfig& config, const std::vector<std::string>& names,
                  double tolerance) {
  const Fixture fixture("optimizers");
  std::vector<NamedParameter> weights = initial_weights(fixture, names);
  const auto optimizer = make_optimizer(config, weights, always);
  for (int64_t step = 0; step < kSteps; ++step) {
    set_gradients(fixture, weights, step);
    optimizer->step(1.0);
    for (const NamedParameter& weight : weights)
      EXPECT_LT(relative_error(weight.value, fixture[reference + "." + weight.name][step]), tolerance)
          << reference << ", " << weight.name << " after step " << step + 1;
  }
}

const std::vector<std::string> kAll = {"vector", "wide", "tall", "cube"};
constexpr double kFp32 = 2e-6;  // a few roundings of fp32 a step, ten steps

TrainConfig config_of(const std::string& optimizer) {
  TrainConfig config;
  config.optimizer = optimizer;
  config.learning_rate = 0.01;
  config.weight_decay = 0.1;
  return config;
}

TEST(Optimizers, AdamWIsPyTorchs) {
  TrainConfig config = config_of("adamw");
  config.adamw.beta1 = 0.9;
  config.adamw.beta2 = 0.999;
  config.adamw.epsilon = 1e-8;
  expect_steps("adamw", config, kAll, kFp32);
}

TEST(Optimizers, AdafactorIsTransformers) {
  expect_steps("adafactor_fixed", config_of("adafactor"), kAll, kFp32);
  TrainConfig relative = config_of("adafactor");
  relative.adafactor.relative_step = true;
  relative.weight_decay = 0.0;
  expect_steps("adafactor_relative", relative, kAll, kFp32);
}

TEST(Optimizers, MuonIsPyTorchs) {
  TrainConfig config = config_of("muon");
  config.muon.learning_rate = 0.02;
  config.muon.momentum = 0.95;
  // Five Newton-Schulz steps multiply a rounding of fp32 by up to 3.4 each.
  expect_steps("muon_fp32", config, {"wide", "tall"}, 1e-4);
  // PyTorch's own orthogonalises in bf16, of three digits; a step moves a weight by 2% of the largest.
  expect_steps("muon", config, {"wide", "tall"}, 1e-2);
}

TEST(Optimizers, MuonLeavesTheRestToAdamW) {
  TrainConfig muon = config_of("muon");
  muon.adamw.beta1 = 0.9;
  muon.adamw.beta2 = 0.999;
  muon.adamw.epsilon = 1e-8;
  expect_steps("adamw", muon, {"vector", "cube"}, kFp32);
  const auto of = [](at::IntArrayRef sizes, WeightKind kind) { return parameter("w", at::zeros(sizes), kind); };
  EXPECT_TRUE(muon_takes(of({4, 9}, WeightKind::kMatrix)));
  EXPECT_FALSE(muon_takes(of({3, 9}, WeightKind::kMatrix))) << "hardly a matrix";
  EXPECT_FALSE(muon_takes(of({4, 9}, WeightKind::kTable)));
  EXPECT_FALSE(muon_takes(of({4, 9}, WeightKind::kVector)));
}

TEST(Optimizers, MatricesAndTablesDecayAndVectorsDoNot) {
  for (const std::string name : {"adamw", "adafactor", "muon"}) {
    TrainConfig config = config_of(name);
    config.muon.learning_rate = 0.02;
    torch::manual_seed(1);
    const Tensor start = at::randn({6, 8});
    std::vector<NamedParameter> weights = {parameter("matrix", start, WeightKind::kMatrix),
                                           parameter("table", start, WeightKind::kTable),
                                           parameter("vector", start, WeightKind::kVector)};
    const auto optimizer = make_optimizer(config, weights);
    for (NamedParameter& weight : weights) weight.value.mutable_grad() = at::zeros_like(start);
    constexpr double kFactor = 0.5;  // of the schedule
    EXPECT_DOUBLE_EQ(optimizer->step(kFactor), 0.01 * kFactor) << name;
    const double matrix_rate = kFactor * (name == "muon" ? 0.02 : 0.01);
    EXPECT_LT(relative_error(weights[0].value, start * (1.0 - 0.1 * matrix_rate)), 1e-6) << name;
    EXPECT_LT(relative_error(weights[1].value, start * (1.0 - 0.1 * 0.01 * kFactor)), 1e-6) << name;
    EXPECT_TRUE(weights[2].value.equal(start)) << name;
  }
}

TEST(Optimizers, GoOnFromASavedStateToTheSameBits) {
  const Fixture fixture("optimizers");
  for (const auto& entry : optimizers().entries()) {
    std::vector<NamedParameter> whole = initial_weights(fixture, kAll);
    const auto first = make_optimizer(config_of(entry.name), whole);
    const auto run = [&](Optimizer& optimizer, std::vector<NamedParameter>& weights, int64_t from, int64_t to) {
      for (int64_t step = from; step < to; ++step) {
        set_gradients(fixture, weights, step);
        optimizer.step(1.0);
        optimizer.zero_grad();
      }
    };
    run(*first, whole, 0, 5);
    std::vector<NamedParameter> pieces;
    for (const NamedParameter& weight : whole) pieces.push_back(parameter(weight.name, weight.value, weight.kind));
    TensorMap state;
    for (const auto& [name, tensor] : first->state()) state[name] = tensor.clone();
    const auto second = make_optimizer(config_of(entry.name), pieces);
    second->load_state(state);
    run(*first, whole, 5, kSteps);
    run(*second, pieces, 5, kSteps);
    for (size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(whole[i].value.equal(pieces[i].value)) << entry.name;
    state.erase(state.begin());
    EXPECT_THROW(second->load_state(state), CheckpointError) << entry.name;
  }
}

TEST(WeightKinds, AreWhatTheWeightsAre) {
  std::vector<ModelConfig> models;
  for (const char* bottleneck : {"queries", "flax", "tokens", "fc"}) models.push_back(test::tiny_config(bottleneck));
  models[0].tie_word_embeddings = false;
  models[0].bag_of_words = true;
  models[0].feed_forward = "gated-gelu";
  models[2].critic_block_sizes = "1_1";
  const std::set<std::string> tables = {"shared.weight", "lm_head.weight", "vae.bag_of_words.weight",
                                        "vae.encoder.queries", "vae.decoder.positions"};
  std::set<std::string> seen;
  for (const ModelConfig& model : models) {
    Rng rng(1);
    const TransformerVae vae(model, rng);
    for (const NamedParameter& weight : vae.parameters().list()) {
      const std::string& name = weight.name;
      const size_t dot = name.rfind('.'), before = dot == std::string::npos ? dot : name.rfind('.', dot - 1);
      const std::string owner = name.substr(before + 1, dot - before - 1);
      const bool vector = name.ends_with("bias") || owner.ends_with("norm") || owner == "relative_attention_bias";
      const bool table = tables.contains(name) || name.ends_with("seg_embed");
      EXPECT_EQ(weight.kind, vector ? WeightKind::kVector : table ? WeightKind::kTable : WeightKind::kMatrix) << name;
      EXPECT_EQ(decays_by_default(weight), !vector) << name;
      const bool large = weight.value.dim() == 2 && weight.value.size(0) > 1;
      EXPECT_EQ(muon_takes(weight), !vector && !table && large) << name;
      if (table) seen.insert(name.ends_with("seg_embed") ? "seg_embed" : name);
    }
  }
  EXPECT_EQ(seen.size(), tables.size() + 1);
}

TEST(WeightKinds, MuonLeavesTheBagOfWordsTableToAdamW) {
  ModelConfig model = test::tiny_config("queries");
  model.bag_of_words = true;
  Rng rng(1);
  TransformerVae vae(model, rng);
  const auto optimizer = make_optimizer(config_of("muon"), vae.parameters().list());
  EXPECT_TRUE(optimizer->state().contains("vae.bag_of_words.weight/exp_avg_sq"));
  EXPECT_FALSE(optimizer->state().contains("vae.bag_of_words.weight/momentum"));
  EXPECT_TRUE(optimizer->state().contains("vae.encoder.mean.weight/momentum"));
}

TEST(Clipping, IsPyTorchs) {
  const Fixture fixture("optimizers");
  for (const double most : {0.5, 1e6}) {
    std::vector<NamedParameter> ours = initial_weights(fixture, kAll), theirs = initial_weights(fixture, kAll);
    set_gradients(fixture, ours, 0);
    set_gradients(fixture, theirs, 0);
    std::vector<Tensor> values;
    for (const NamedParameter& weight : theirs) values.push_back(weight.value);
    const double expected = torch::nn::utils::clip_grad_norm_(values, most);
    EXPECT_NEAR(clip_gradients(ours, most).item<double>(), expected, 1e-6 * expected);
    double squares = 0.0;
    for (size_t i = 0; i < ours.size(); ++i) {
      EXPECT_LT(relative_error(ours[i].value.grad(), theirs[i].value.grad()), 1e-6) << ours[i].name;
      squares += ours[i].value.grad().to(at::kDouble).square().sum().item<double>();
    }
    EXPECT_LE(std::sqrt(squares), most * (1.0 + 1e-6));
  }
}

TEST(Clipping, MeasuresAloneAtZeroAndLeavesWhatIsNotFinite) {
  std::vector<NamedParameter> weights = {parameter("a", at::zeros({2}), WeightKind::kVector),
                                         parameter("b", at::zeros({3}), WeightKind::kVector)};
  EXPECT_EQ(clip_gradients(weights, 1.0).item<double>(), 0.0) << "no gradients";
  weights[0].value.mutable_grad() = torch::tensor({3.0f, 4.0f});
  EXPECT_DOUBLE_EQ(clip_gradients(weights, 0.0).item<double>(), 5.0);
  EXPECT_TRUE(weights[0].value.grad().equal(torch::tensor({3.0f, 4.0f})));
  weights[0].value.mutable_grad()[1] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(clip_gradients(weights, 1.0).item<double>()));
  EXPECT_EQ(weights[0].value.grad()[0].item<float>(), 3.0f);
  EXPECT_FALSE(weights[1].value.grad().defined());
}

TEST(MovingAverage, FollowsItsDefinitionAndGivesTheWeightsBack) {
  torch::manual_seed(2);
  std::vector<NamedParameter> weights = {parameter("w", at::randn({4, 5}), WeightKind::kMatrix)};
  MovingAverage average(weights, 0.8);
  Tensor expected = weights[0].value.detach().to(at::kDouble).clone();
  for (int64_t t = 0; t < 60; ++t) {
    const torch::NoGradGuard no_grad;
    weights[0].value.add_(at::randn({4, 5}));
    average.update();
    const double decay = std::min(0.8, (1.0 + static_cast<double>(t)) / (10.0 + static_cast<double>(t)));
    expected = decay * expected + (1.0 - decay) * weights[0].value.detach().to(at::kDouble);
    EXPECT_LT(relative_error(average.state().at("w"), expected), kFp32) << "update " << t;
  }
  const Tensor own = weights[0].value.detach().clone();
  average.swap();
  EXPECT_LT(relative_error(weights[0].value, expected), kFp32);
  average.swap();
  EXPECT_TRUE(weights[0].value.equal(own));
  TensorMap state;
  for (const auto& [name, tensor] : average.state()) state[name] = tensor.clone();
  EXPECT_EQ(state.at("updates").item<int64_t>(), 60);
  MovingAverage again(weights, 0.8);
  again.load_state(state);
  average.update();
  again.update();
  EXPECT_TRUE(again.state().at("w").equal(average.state().at("w")));
  state.erase("updates");
  EXPECT_THROW(again.load_state(state), CheckpointError);
}

}  // namespace
}  // namespace tvae
