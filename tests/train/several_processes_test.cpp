// Several processes give the numbers of one: losses, weights, optimizer and average, with everything that is drawn at
// random.
#include <gtest/gtest.h>

#include "tests/support/fixture.h"
#include "tests/support/processes.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/mix64.h"
#include "tvae/config/presets.h"
#include "tvae/data/batcher.h"
#include "tvae/train/train_step.h"

namespace tvae::test {
namespace {

struct Outcome {
  std::vector<double> losses, norms;
  TensorMap weights, optimizer, average, objective;
};

/// What the first process has after some steps. In fp64, so that sums in another order give the same.
Outcome train(const RunConfig& config, int processes, int64_t steps) {
  Outcome outcome;
  const Tokenizer tokenizer = byte_tokenizer();
  const TokenDataset data = tiny_dataset(tokenizer);
  const auto work = [&](Communicator& communicator) {
    Rng rng(static_cast<uint64_t>(7 + communicator.rank())), noise(5);  // the weights of the first process count
    TransformerVae vae(config.model, rng);
    vae.parameters().to(torch::kCPU, at::kDouble);
    TrainStep step(vae, config, communicator);
    BatchOptions options;
    options.batch_size = 7;
    Batcher batcher(data, options);
    TrainingPosition position{0, steps};
    for (; position.step < steps; ++position.step) {
      std::vector<TokenBatch> batches;
      StepSizes sizes{0, config.train.accumulation_steps};
      for (int64_t i = 0; i < sizes.micro_batches; ++i) {
        batches.push_back(batcher.next());
        sizes.tokens += batches.back().tokens();
      }
      for (const TokenBatch& batch : batches) {
        const auto metrics = step.accumulate(batch, sizes, position, noise);
        if (communicator.is_first()) outcome.losses.push_back(metrics.at("loss").item<double>());
      }
      const double norm = step.apply(position).gradient_norm.item<double>();
      if (communicator.is_first()) outcome.norms.push_back(norm);
    }
    TensorMap optimizer = step.optimizer_state(), average = step.average_state();
    step.with_average([&] {
      for (const auto& [name, weight] : step.weights())
        if (communicator.is_first()) outcome.weights[name] = weight.clone();
    });
    if (!communicator.is_first()) return;
    outcome.optimizer = optimizer, outcome.average = average, outcome.objective = step.objective().state();
  };
  processes == 1 ? work(lone_process()) : in_processes(processes, work);
  return outcome;
}

void expect_equal(const TensorMap& one, const TensorMap& several, const std::string& what) {
  ASSERT_EQ(one.size(), several.size()) << what;
  constexpr double kRounding = 1e-6;  // codes go to the regularizer as fp32
  for (const auto& [name, tensor] : one) {
    ASSERT_TRUE(several.contains(name)) << what << " " << name;
    // No loss depends on the bias of a softmax's keys: its gradient is a rounding error, which Adafactor scales up.
    if (name.ends_with("k_head.bias")) continue;
    const torch::Tensor a = tensor.to(at::kDouble), b = several.at(name).to(at::kDouble);
    const double scale = std::max(1e-3, a.numel() > 0 ? a.abs().max().item<double>() : 0.0);
    EXPECT_LT(a.numel() > 0 ? (a - b).abs().max().item<double>() / scale : 0.0, kRounding) << what << " " << name;
  }
}

void expect_numbers_of_one(const RunConfig& config, const std::vector<int>& counts, int64_t steps = 6) {
  const Outcome one = train(config, 1, steps);
  for (const int processes : counts) {
    SCOPED_TRACE(std::to_string(processes) + " processes");
    const Outcome several = train(config, processes, steps);
    ASSERT_EQ(one.losses.size(), several.losses.size());
    for (size_t i = 0; i < one.losses.size(); ++i)
      EXPECT_NEAR(several.losses[i] / one.losses[i], 1.0, 1e-6) << "micro-batch " << i;
    for (size_t i = 0; i < one.norms.size(); ++i)
      EXPECT_NEAR(several.norms[i] / one.norms[i], 1.0, 1e-6) << "step " << i;
    expect_equal(one.weights, several.weights, "weights");
    expect_equal(one.optimizer, several.optimizer, "optimizer");
    expect_equal(one.average, several.average, "average");
    expect_equal(one.objective, several.objective, "objective");
  }
}

/// With dropout and every noise.
RunConfig noisy_run(const std::string& bottleneck = "queries") {
  RunConfig config;
  config.data.max_tokens = 16;
  config.model = tiny_config(bottleneck);
  config.model.dropout = 0.1;
  config.loss.encoder_token_mask = config.loss.decoder_token_mask = 0.2;
  config.loss.mlm_probability = 0.1;
  config.loss.latent_dropout = 0.1;
  config.loss.latent_mix = 0.3;
  config.train.precision = "fp32";
  config.train.ema_decay = 0.9;
  return config;
}

TEST(SeveralProcesses, GiveTheNumbersOfOneWithEveryRegularizer) {
  std::vector<std::string> names = {"none"};
  for (const auto& entry : regularizers().entries()) names.push_back(entry.name);
  ASSERT_GE(names.size(), 4u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    RunConfig config = noisy_run();
    config.loss.regularizer = name;
    config.loss.regularizer_weight = 1.0;
    expect_numbers_of_one(config, {2, 3});
  }
}

TEST(SeveralProcesses, GiveTheNumbersOfOneWithEveryOptimizer) {
  for (const auto& entry : optimizers().entries()) {
    SCOPED_TRACE(entry.name);
    RunConfig config = noisy_run();
    config.train.optimizer = entry.name;
    config.train.accumulation_steps = 2;
    expect_numbers_of_one(config, {2, 4});
  }
}

TEST(SeveralProcesses, GiveTheNumbersOfOneWithEveryPreset) {
  for (const Preset& preset : all_presets()) {
    SCOPED_TRACE(preset.name);
    RunConfig config = resolve_config({preset.name}, {}).config;
    if (config.loss.critic.score != "none") config.model.critic_block_sizes = "1";
    shrink(config.model);
    config.data.max_tokens = 16;
    config.loss.interpolation_every = 2;
    config.loss.critic.min_steps = 2;
    config.train.accumulation_steps = 1;
    config.train.precision = "fp32";
    if (config.loss.bag_of_words.weight > 0) config.model.bag_of_words = true;
    expect_numbers_of_one(config, {2}, 4);
  }
}

/// A model in bf16 with fp32 masters, each in one process alone, or in fp32. With `interrupted` the run goes on in new
/// processes after half of the steps.
Outcome train_in(Precision precision, const RunConfig& config, int processes, bool interrupted = false) {
  constexpr int64_t kSteps = 4;
  Outcome outcome;
  const TokenBatch batch = tiny_batch(byte_tokenizer());
  TensorMap weights, optimizer, average;
  const auto steps = [&](int64_t from, int64_t to) {
    const auto work = [&](Communicator& communicator) {
      Rng rng(7);
      TransformerVae vae(config.model, rng);
      TrainStep step(vae, config, precision, communicator);
      int64_t masters = 0, own = 0;
      for (const NamedParameter& parameter : vae.parameters().list()) masters += parameter.value.numel();
      for (const NamedParameter& parameter : step.masters()) own += parameter.value.numel();
      EXPECT_LT(std::abs(own * processes - masters), masters / 4) << "about as many in each process";
      if (from > 0) {
        step.load_weights(weights);
        step.load_states(optimizer, average);
      }
      for (int64_t i = from; i < to; ++i) {
        for (int micro_batch = 0; micro_batch < 2; ++micro_batch) {
          Rng at_step(mix64(static_cast<uint64_t>(2 * i + micro_batch)));
          step.accumulate(batch, {2 * batch.tokens(), 2}, {i, kSteps}, at_step);
        }
        const double norm = step.apply({i, kSteps}).gradient_norm.item<double>();
        if (communicator.is_first()) outcome.norms.push_back(norm);
      }
      const TensorMap all = step.weights(), state = step.optimizer_state(), mean = step.average_state();
      if (!communicator.is_first()) return;
      for (const auto& [name, weight] : all) outcome.weights[name] = weight.clone();
      for (const auto& [name, tensor] : state) outcome.optimizer[name] = tensor.clone();
      for (const auto& [name, tensor] : mean) outcome.average[name] = tensor.clone();
      // The model computes with what the masters are rounded to, those of other processes too.
      for (const NamedParameter& parameter : vae.parameters().list())
        EXPECT_TRUE(parameter.value.equal(all.at(parameter.name).to(vae.dtype()))) << parameter.name;
    };
    processes == 1 ? work(lone_process()) : in_processes(processes, work);
    weights = outcome.weights, optimizer = outcome.optimizer, average = outcome.average;
  };
  if (interrupted) steps(0, kSteps / 2);
  steps(interrupted ? kSteps / 2 : 0, kSteps);
  return outcome;
}

TEST(SeveralProcesses, ShareOutTheMastersOfABf16Model) {
  RunConfig config = noisy_run();
  config.model.dropout = 0.0;  // whose masks go by groups of sequences there
  config.train.precision = "bf16";
  config.train.clip_norm = 0.5;
  for (const char* optimizer : {"adamw", "muon"}) {
    SCOPED_TRACE(optimizer);
    config.train.optimizer = optimizer;
    const Outcome exact = train_in(Precision::kFp32, config, 1), one = train_in(Precision::kBf16Weights, config, 1),
                  several = train_in(Precision::kBf16Weights, config, 3);
    EXPECT_NEAR(several.norms[0] / one.norms[0], 1.0, 0.01) << "gradients are rounded to 8 bits before they add up";
    const auto distance = [&](const Outcome& outcome) {
      double squares = 0;
      for (const auto& [name, weight] : exact.weights)
        squares += (outcome.weights.at(name) - weight).square().sum().item<double>();
      return std::sqrt(squares);
    };
    // What bf16 rounds, the optimizers blow up, so that the runs part: three processes no more than one does.
    EXPECT_LT(distance(several), 1.3 * distance(one));
    const Outcome resumed = train_in(Precision::kBf16Weights, config, 3, /*interrupted=*/true);
    for (const auto& [name, weight] : several.weights)
      EXPECT_TRUE(weight.scalar_type() == at::kFloat && resumed.weights.at(name).equal(weight)) << name;
    for (const auto& [name, state] : several.optimizer) EXPECT_TRUE(resumed.optimizer.at(name).equal(state)) << name;
    for (const auto& [name, mean] : several.average) EXPECT_TRUE(resumed.average.at(name).equal(mean)) << name;
  }
}

}  // namespace
}  // namespace tvae::test
