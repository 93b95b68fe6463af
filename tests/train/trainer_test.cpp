#include "tvae/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "tests/support/fixture.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/ops/linear.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/run_record.h"
#include "tvae/train/held_out_scores.h"

namespace tvae::test {
namespace {

using Json = nlohmann::ordered_json;

/// Asks for the end of a run after its next step.
class AtOnce : public Progress {
  void update(const char*, int64_t, int64_t) override { throw Interrupted("enough"); }
};
AtOnce at_once;

RunConfig tiny_run(const std::string& bottleneck = "queries") {
  RunConfig config;
  config.data.max_tokens = 16;
  config.model = tiny_config(bottleneck);
  config.train.steps = 6;
  config.train.batch_size = 5;
  config.train.precision = "fp32";
  config.train.log_steps = 1;
  config.train.eval_steps = 0;
  config.train.save_steps = 0;
  return config;
}

TrainingSetup make_setup(const RunConfig& config, bool with_valid = true) {
  Tokenizer tokenizer = byte_tokenizer();
  TokenizeOptions options;
  options.max_tokens = config.data.max_tokens;
  std::optional<TokenDataset> valid;
  if (with_valid) valid = TokenDataset::from_texts({"while a:", "c = 3", "import os", "y = [x]"}, tokenizer, options);
  TokenDataset train = tiny_dataset(tokenizer);
  Rng rng(static_cast<uint64_t>(config.train.seed));
  LabelledSequences probe;
  if (with_valid) probe = {{0, 1, 2, 3}, {"statement", "assignment", "statement", "assignment"}};
  Model model{"", std::move(tokenizer), TransformerVae(config.model, rng), config.data.max_tokens, config.data.check};
  return {config, std::move(model), std::move(train), std::move(valid), std::move(probe), {}};
}

/// One run in a folder of its own.
class TestRun {
 public:
  explicit TestRun(const RunConfig& config, bool with_valid = true) : config_(config), with_valid_(with_valid) {}

  /// A new process's worth: builds everything, restores what was saved, runs. Returns the step reached.
  int64_t go(Progress& progress = Progress::none(), const std::vector<TrainingObserver*>& observers = {},
             bool extended = false) {
    TrainingSetup setup = make_setup(config_, with_valid_);
    Trainer trainer(setup, &directory_);
    if (const auto checkpoint = load_checkpoint(folder_.path())) trainer.restore(*checkpoint, extended);
    try {
      trainer.run(progress, observers);
    } catch (const Interrupted&) {
      EXPECT_TRUE(&progress == &at_once || !observers.empty());
    }
    return trainer.step();
  }

  /// A step more, of so many that are planned now.
  int64_t begin_extension(int64_t steps) {
    config_.train.steps = steps;
    return go(at_once, {}, /*extended=*/true);
  }

  /// Logged lines that have the key, without what depends on the clock.
  std::vector<Json> lines(const std::string& key = "step") const {
    std::vector<Json> found;
    std::ifstream file(folder_.path("logs/metrics.jsonl"));
    for (std::string line; std::getline(file, line);) {
      Json json = Json::parse(line);
      for (const char* timing : {"seconds", "tokens_per_second"}) json.erase(timing);
      if (json.contains(key)) found.push_back(json);
    }
    return found;
  }
  std::vector<double> values(const std::string& key) const {
    std::vector<double> found;
    for (const Json& line : lines(key))
      found.push_back(line[key].is_null() ? std::numeric_limits<double>::quiet_NaN() : line[key].get<double>());
    return found;
  }
  std::string read(const std::string& name) const { return folder_.get(name); }
  TensorMap model() const { return load_safetensors(folder_.path("model.safetensors")); }
  std::string path() const { return folder_.path(); }
  ModelConfig config() const { return load_model_config(folder_.path()); }
  Checkpoint checkpoint() const { return load_checkpoint(folder_.path()).value(); }
  void replace(const Checkpoint& checkpoint) const { save_checkpoint(folder_.path(), checkpoint); }
  double held_out_cross_entropy() const {
    const TrainingSetup setup = make_setup(config_);
    return evaluate_held_out(load_model(folder_.path()).vae, *setup.valid, 0).cross_entropy;
  }

 private:
  RunConfig config_;
  bool with_valid_;
  TemporaryFolder folder_;
  RunDirectory directory_{folder_.path(), StartMode::kResume};
};

void expect_identical(const TensorMap& a, const TensorMap& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (const auto& [name, tensor] : a) {
    ASSERT_TRUE(b.contains(name)) << what << " " << name;
    EXPECT_TRUE(torch::equal(tensor, b.at(name))) << what << " " << name;
  }
}

TEST(Trainer, ResumingAfterEveryStepChangesNoBit) {
  for (const auto& optimizer : optimizers().entries())
    for (const double ema_decay : {0.0, 0.9}) {
      RunConfig config = tiny_run();
      config.train.optimizer = optimizer.name;
      config.train.ema_decay = ema_decay;
      config.train.accumulation_steps = 2;
      config.train.log_steps = 4;  // the sums of an interval survive too
      config.train.eval_steps = 2;
      config.train.warmup_steps = 2;
      config.model.dropout = 0.1;
      config.loss.kl.target = 5;
      config.loss.encoder_token_mask = config.loss.decoder_token_mask = 0.2;
      config.loss.latent_dropout = 0.1;
      const std::string what = optimizer.name + (ema_decay > 0 ? " with average" : "");

      TestRun whole(config), pieces(config);
      EXPECT_EQ(whole.go(), 6);
      for (int64_t step = 1; step <= 6; ++step) EXPECT_EQ(pieces.go(at_once), step) << what;
      expect_identical(whole.checkpoint().tensors, pieces.checkpoint().tensors, what);
      expect_identical(whole.model(), pieces.model(), what);
      EXPECT_EQ(whole.lines(), pieces.lines()) << what;
      EXPECT_EQ(whole.lines("loss").size(), 1u);
      EXPECT_EQ(whole.lines("valid_cross_entropy").size(), 3u);
    }
}

TEST(Trainer, EveryRegularizerResumesAndFitsEveryBottleneckItSaysItFits) {
  std::map<std::string, int> fits;
  for (const std::string& regularizer : regularizers().names())
    for (const std::string& bottleneck : bottlenecks().names())
      for (const std::string posterior : {"deterministic", "gaussian"}) {
        RunConfig config = tiny_run(bottleneck);
        config.loss.regularizer = regularizer;
        config.model.posterior = posterior;
        config.train.steps = 2;
        const std::string what = regularizer + " on " + bottleneck + ", " + posterior;
        try {
          const TrainingSetup setup = make_setup(config);
          Objective(config.loss, setup.model.vae.config());
        } catch (const ConfigError&) {
          continue;
        }
        TestRun whole(config), pieces(config);
        whole.go();
        pieces.go(at_once);
        pieces.go();
        expect_identical(whole.checkpoint().tensors, pieces.checkpoint().tensors, what);
        EXPECT_EQ(whole.lines(), pieces.lines()) << what;
        ASSERT_EQ(whole.values("loss").size(), 2u) << what;
        for (const double loss : whole.values("loss")) EXPECT_TRUE(std::isfinite(loss)) << what;
        for (const auto& [name, weight] : whole.model())
          EXPECT_TRUE(weight.isfinite().all().item<bool>()) << what << name;
        ++fits[regularizer];
        ++fits[bottleneck];
      }
  for (const std::string& regularizer : regularizers().names()) EXPECT_GT(fits[regularizer], 0) << regularizer;
  for (const std::string& bottleneck : bottlenecks().names())
    EXPECT_GE(fits[bottleneck], static_cast<int>(regularizers().entries().size()) - 1) << bottleneck;
}

TEST(Trainer, AccumulatedMicroBatchesGiveTheGradientOfOneLargeBatch) {
  RunConfig config = tiny_run();
  config.model.posterior = "deterministic";
  config.loss.regularizer = "none";
  TrainingSetup setup = make_setup(config);
  Objective objective(config.loss, config.model);
  Rng rng(1);
  const auto gradients = [&](int64_t batch_size) {
    BatchOptions options;
    options.batch_size = batch_size;
    Batcher batcher(setup.train, options);
    const StepSizes sizes{setup.train.tokens(), setup.train.size() / batch_size};
    for (int64_t i = 0; i < sizes.micro_batches; ++i)
      objective(setup.model.vae, to_stream(batcher.next(), at::kCPU), sizes, {}, rng).loss.backward();
    TensorMap found;
    for (const NamedParameter& parameter : setup.model.vae.parameters().list()) {
      found[parameter.name] = parameter.value.grad().clone();
      parameter.value.mutable_grad() = torch::Tensor();
    }
    return found;
  };
  const TensorMap once = gradients(12), twice = gradients(6);
  // The sums are the same in another order.
  for (const auto& [name, gradient] : once) EXPECT_LT(relative_error(twice.at(name), gradient), 1e-4) << name;

  config.train.clip_norm = 0;
  config.train.steps = 1;
  config.train.batch_size = 12;
  TestRun large(config);
  large.go();
  config.train.batch_size = 6;
  config.train.accumulation_steps = 2;
  TestRun small(config);
  small.go();
  const double norm = large.values("gradient_norm").at(0);
  EXPECT_GT(norm, 0.0);
  EXPECT_NEAR(small.values("gradient_norm").at(0), norm, 1e-4 * norm);
}

TEST(Trainer, PreviewsAtEachEvaluation) {
  RunConfig config = tiny_run();
  config.train.eval_steps = 3;
  config.train.preview.samples = 4;
  config.data.check = "mnist";
  TestRun whole(config), pieces(config);
  whole.go();
  for (int64_t step = 1; step <= 6; ++step) pieces.go(at_once);
  for (const char* file : {"logs/interpolations.jsonl", "logs/samples.jsonl"})
    EXPECT_EQ(whole.read(file), pieces.read(file)) << "resumed";

  const std::vector<Json> metrics = whole.lines("interpolation_valid");
  ASSERT_EQ(metrics.size(), 2u);
  for (const char* name : {"sample_valid", "svm_classification_test_accuracy", "random_classification_test_accuracy"})
    EXPECT_TRUE(metrics[1].contains(name)) << name;
  const Json shown = Json::parse(
      whole.read("logs/interpolations.jsonl").substr(0, whole.read("logs/interpolations.jsonl").find('\n')));
  EXPECT_EQ(shown["step"], 3);
  ASSERT_EQ(shown["rows"].size(), 13u);
  EXPECT_EQ(shown["rows"][0]["ratio"], -10.0);
  EXPECT_EQ(shown["rows"][12]["ratio"], 10.0);
  EXPECT_EQ(shown["rows"][1]["ratio"], 0.0);
  EXPECT_FALSE(shown["rows"][5]["valid"].get<bool>());
  const std::set<std::string> held_out = {"while a:", "c = 3", "import os", "y = [x]"};
  EXPECT_TRUE(held_out.count(shown["rows"][0]["text"])) << shown["rows"][0];

  config.train.previews = false;
  TestRun without(config);
  without.go();
  EXPECT_TRUE(without.lines("interpolation_valid").empty());
  expect_identical(whole.model(), without.model(), "previews draw from a generator of their own");
}

TEST(Trainer, LossFallsOnTinyData) {
  RunConfig config = tiny_run();
  config.train.steps = 60;
  config.train.batch_size = 12;
  config.train.learning_rate = 0.01;
  TestRun run(config);
  run.go();
  const std::vector<double> loss = run.values("loss");
  ASSERT_EQ(loss.size(), 60u);
  EXPECT_LT(loss.back(), 0.7 * loss.front());
  EXPECT_EQ(run.values("learning_rate").front(), 0.01);
}

TEST(Trainer, DecoderNoiseEndsWhereItsScheduleSays) {
  RunConfig config = tiny_run();
  config.model.posterior = "deterministic";
  config.loss.regularizer = "none";
  TrainingSetup setup = make_setup(config);
  const TokenStream batch = to_stream(tiny_batch(setup.model.tokenizer), at::kCPU);
  const auto cross_entropy = [&](const LossConfig& loss, int64_t step) {
    Rng rng(3);
    return Objective(loss, config.model)(setup.model.vae, batch, {batch.ids.size(0), 1}, {step, 100}, rng)
        .metrics["cross_entropy"]
        .item<double>();
  };
  const double clean = cross_entropy(config.loss, 0);
  LossConfig noisy = config.loss;
  noisy.decoder_token_mask = 0.9;
  noisy.decoder_token_mask_end = 0.5;
  EXPECT_NE(cross_entropy(noisy, 0), clean);
  EXPECT_NE(cross_entropy(noisy, 25), clean);
  EXPECT_EQ(cross_entropy(noisy, 50), clean);
  EXPECT_EQ(cross_entropy(noisy, 99), clean);
}

TEST(Trainer, DenoisingChoosesTokensAndReplacesThemAsPublished) {
  RunConfig config = tiny_run();
  config.model.posterior = "deterministic";
  config.loss.regularizer = "none";
  TrainingSetup setup = make_setup(config);
  const TokenStream batch = to_stream(tiny_batch(setup.model.tokenizer), at::kCPU);
  const auto cross_entropy = [&](const LossConfig& loss) {
    Rng rng(3);
    return Objective(loss, config.model)(setup.model.vae, batch, {batch.ids.size(0), 1}, {50, 100}, rng)
        .metrics["cross_entropy"]
        .item<double>();
  };
  const auto of_noise = [&](double unknown, double random) {
    Rng rng(3);
    NoiseLevels noise;
    noise.encoder_token_mask = unknown;
    noise.encoder_token_random = random;
    const ForwardResult forward = setup.model.vae.forward(batch, noise, {/*training=*/true, &rng});
    return forward.reconstruction.loss.item<double>() / static_cast<double>(batch.ids.size(0));
  };
  LossConfig loss = config.loss;
  EXPECT_EQ(cross_entropy(loss), of_noise(0.0, 0.0));
  loss.mlm_probability = 0.5;  // 80/2/18 of them
  EXPECT_DOUBLE_EQ(cross_entropy(loss), of_noise(0.4, 0.01));
  EXPECT_NE(cross_entropy(loss), of_noise(0.0, 0.0));
  loss.mlm_random_ratio = 0.5;  // 80/10/10
  EXPECT_DOUBLE_EQ(cross_entropy(loss), of_noise(0.4, 0.05));
  loss.encoder_token_mask = 0.2;
  EXPECT_DOUBLE_EQ(cross_entropy(loss), of_noise(0.6, 0.05));
}

RunConfig rarely_between_codes() {
  RunConfig config = tiny_run("tokens");
  config.loss.regularizer = "none";
  config.loss.vae_cycle_weight = 1;
  config.loss.interpolation_every = 3;  // in steps 4, 7, 10 and so on: the first has none
  config.train.accumulation_steps = 2;
  config.train.steps = 10;
  return config;
}

TEST(Trainer, AMetricIsTheMeanOverTheMicroBatchesThatHadIt) {
  RunConfig config = rarely_between_codes();
  TestRun each(config);
  each.go();
  const std::vector<double> values = each.values("vae_cycle"), losses = each.values("loss");
  ASSERT_EQ(values.size(), 3u);
  ASSERT_GT(values[0], 0.0);
  config.train.log_steps = 5;
  TestRun rare(config), pieces(config);
  rare.go();
  const std::vector<double> logged = rare.values("vae_cycle");
  ASSERT_EQ(logged.size(), 2u);
  EXPECT_DOUBLE_EQ(logged[0], values[0]);
  EXPECT_DOUBLE_EQ(logged[1], (values[1] + values[2]) / 2);
  EXPECT_NEAR(rare.values("loss")[0], std::accumulate(losses.begin(), losses.begin() + 5, 0.0) / 5, 1e-12);
  for (int64_t step = 1; step <= 10; ++step) EXPECT_EQ(pieces.go(at_once), step);
  EXPECT_EQ(pieces.lines(), rare.lines()) << "the counts survive too";
}

TEST(Trainer, TakesTheSumsOfOlderCheckpoints) {
  RunConfig config = rarely_between_codes();
  config.train.log_steps = 5;
  TestRun whole(config), older(config);
  whole.go();
  for (int64_t step = 1; step <= 3; ++step) older.go(at_once);
  Checkpoint saved = older.checkpoint();
  Json& interval = saved.state["interval"];
  Json sums;
  for (const auto& [name, sum] : interval["metrics"].items())
    sums[name] = sum[0].get<double>() * (name == "gradient_norm" ? 2 : 1);  // once a step, for each micro-batch
  interval = {{"sums", sums}, {"micro_batches", 6}, {"tokens", interval["tokens"]}, {"seconds", interval["seconds"]}};
  older.replace(saved);
  older.go();
  for (const char* metric : {"loss", "cross_entropy", "vae_cycle"})
    EXPECT_EQ(older.values(metric), whole.values(metric)) << metric;
}

TEST(Trainer, StopsEarlyAndStaysStopped) {
  RunConfig config = tiny_run();
  config.train.learning_rate = 0;  // no evaluation is better than the first
  config.train.eval_steps = 1;
  config.train.early_stop_evaluations = 2;
  TestRun run(config);
  EXPECT_EQ(run.go(at_once), 1);
  EXPECT_EQ(run.checkpoint().state["finished"], false);
  EXPECT_EQ(run.go(), 3);
  EXPECT_EQ(run.checkpoint().state["step"], 3);
  EXPECT_EQ(run.checkpoint().state["finished"], true);
  EXPECT_EQ(run.go(), 3);
  EXPECT_EQ(run.lines("valid_cross_entropy").size(), 3u);
}

TEST(Trainer, SomeOfAHeldOutFileStandForAllOfIt) {
  const TrainingSetup setup = make_setup(tiny_run());
  const auto scores = [&](const std::vector<std::string>& texts, int64_t most) {
    return evaluate_held_out(setup.model.vae, TokenDataset::from_texts(texts, setup.model.tokenizer, {}), most);
  };
  std::vector<std::string> texts(1000, "a");
  const double of_first = scores(texts, 0).cross_entropy;
  texts.insert(texts.end(), 1000, "bcdefghijk");  // a file sorted by length
  const double of_all = scores(texts, 0).cross_entropy;
  EXPECT_NEAR(scores(texts, 300).cross_entropy, of_all, 0.1 * std::abs(of_first - of_all));
}

TEST(Trainer, NoScoreIsOneToBeatBeforeTheRateHasSettled) {
  RunConfig config = tiny_run();
  config.loss.regularizer = "kl";
  config.loss.kl.target = 5;
  config.loss.kl.target_descent = 0.5;
  config.train.learning_rate = 0;  // no evaluation is better than the first that counts
  config.train.steps = 8;
  config.train.eval_steps = 1;
  config.train.early_stop_evaluations = 2;
  TestRun run(config);
  EXPECT_EQ(run.go(), 6);
  EXPECT_EQ(run.checkpoint().state["best"]["step"], 4);
}

TEST(Trainer, NoScoreStaysTheBestWhileTheRateFallsOn) {
  RunConfig config = tiny_run();
  config.loss.regularizer = "kl";
  config.loss.kl.target = 5;
  config.loss.kl.target_start = 5;
  config.loss.kl.target_descent = 0;
  config.loss.kl.target_floor = 1;
  config.loss.kl.target_tolerance = 1e6;  // whatever comes back is good enough
  config.train.learning_rate = 0;         // no score is better than the one before
  config.train.steps = 10;
  config.train.eval_steps = 1;
  TestRun run(config);
  run.go();
  EXPECT_EQ(run.checkpoint().state["best"]["step"], 3) << "the rate falls in the second step, after the first score";
}

TEST(Trainer, TheFallOfTheRateAsksForNatsATextNotAToken) {
  RunConfig config = tiny_run();
  config.loss.regularizer = "kl";
  config.loss.kl.target = config.loss.kl.target_start = 5;
  config.loss.kl.target_floor = 1;
  config.train.steps = 4;
  config.train.eval_steps = 1;
  const auto last_target = [&](double tolerance) {
    config.loss.kl.target_tolerance = tolerance;
    TestRun run(config);
    run.go();
    return run.values("kl_target").back();
  };
  TestRun run(config);
  run.go();
  const double a_token = run.values("valid_cross_entropy").front(), a_text = run.values("valid_nats").front();
  ASSERT_GT(a_text, 2 * a_token);
  EXPECT_EQ(last_target(2 * a_token), 5);
  EXPECT_LT(last_target(2 * a_text), 5);
}

TEST(Trainer, AnExtendedRunKeepsItsBestWeightsWhileTheRateIsHigherAgain) {
  RunConfig config = tiny_run();
  config.loss.regularizer = "kl";
  config.loss.kl.target = 5;
  config.loss.kl.target_start = 50;
  config.loss.kl.target_descent = 0.5;
  config.train.steps = 4;
  config.train.eval_steps = 1;
  TestRun run(config);
  run.go();
  const auto best = run.checkpoint().state["best"];
  ASSERT_GE(best["step"], 2);
  EXPECT_NEAR(best["rate_target"], 5, 1e-9);
  EXPECT_EQ(run.begin_extension(40), 5);
  EXPECT_GT(run.values("kl_target").back(), 20);
  EXPECT_EQ(run.checkpoint().state["best"]["step"], best["step"]);
}

TEST(Trainer, SavesTheBestOrTheLastWeights) {
  for (const double ema_decay : {0.0, 0.5})
    for (const std::string which : {"best", "last"}) {
      RunConfig config = tiny_run();
      config.train.steps = 24;
      config.train.learning_rate = 0.1;  // soon worse on lines it does not see
      config.train.schedule = "constant";
      config.train.eval_steps = 2;
      config.train.save_steps = 1;
      config.train.ema_decay = ema_decay;
      config.train.save_model = which;
      TestRun run(config);
      run.go();
      const std::vector<double> scores = run.values("valid_cross_entropy");
      const double best = *std::min_element(scores.begin(), scores.end());
      ASSERT_LT(best, scores.back()) << "the test needs a run that gets worse";
      // The saved weights are the scored ones, so that the score is the same number.
      EXPECT_DOUBLE_EQ(run.held_out_cross_entropy(), which == "best" ? best : scores.back()) << which;
    }
}

TEST(Trainer, Bf16KeepsFp32Weights) {
  RunConfig config = tiny_run();
  config.train.precision = "bf16";
  if (!has_bf16_products()) {
    EXPECT_THROW(TestRun(config).go(), ConfigError);
    return;
  }
  config.train.learning_rate = 1e-5;  // below what a bf16 weight can show
  config.train.steps = 3;
  config.train.ema_decay = 0.5;
  TrainingSetup fresh = make_setup(config);
  TestRun whole(config), pieces(config);
  EXPECT_EQ(whole.go(), 3);
  for (const double loss : whole.values("loss")) EXPECT_TRUE(std::isfinite(loss));
  const TensorMap weights = whole.checkpoint().part("model");
  for (const NamedParameter& parameter : fresh.model.vae.parameters().list()) {
    const torch::Tensor& trained = weights.at(parameter.name);
    EXPECT_EQ(trained.scalar_type(), at::kFloat) << parameter.name;
    EXPECT_FALSE(torch::equal(trained, parameter.value)) << parameter.name << " did not move";
  }
  for (const auto& [name, weight] : whole.model()) EXPECT_EQ(weight.scalar_type(), at::kFloat) << name;
  for (int64_t step = 1; step <= 3; ++step) EXPECT_EQ(pieces.go(at_once), step);
  expect_identical(whole.checkpoint().tensors, pieces.checkpoint().tensors, "bf16");
  config.train.precision = "fp32";
  TestRun plain(config);
  plain.go();
  EXPECT_NE(plain.values("loss"), whole.values("loss")) << "nothing was rounded";
}

TEST(Trainer, DivergenceIsAnErrorAndSavesNothing) {
  RunConfig config = tiny_run();
  config.train.save_steps = 1;
  TrainingSetup setup = make_setup(config);
  TemporaryFolder folder;
  const RunDirectory directory(folder.path(), StartMode::kResume);
  Trainer trainer(setup, &directory);
  setup.model.vae.parameters().list()[0].value.detach().fill_(std::numeric_limits<float>::infinity());
  try {
    trainer.run();
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::kData);
    EXPECT_NE(std::string(error.what()).find("training diverged"), std::string::npos);
  }
  EXPECT_FALSE(load_checkpoint(folder.path()).has_value());
}

TEST(Trainer, ScoresThatAreNoNumbersAreKeptAndNeverTheBest) {
  RunConfig config = tiny_run();
  config.train.eval_steps = config.train.save_steps = 1;
  config.train.early_stop_evaluations = 0;
  TestRun run(config);
  run.go(at_once);
  Checkpoint saved = run.checkpoint();
  EXPECT_EQ(saved.state["best"]["step"], 1);
  // As a run whose first score was none, and whose interval of the log saw some: by this version, and by earlier ones.
  for (const Json& none : {Json("nan"), Json()}) {
    saved.state["held_out"] = {none, none};
    saved.state["best"] = {{"step", 1}, {"cross_entropy", none}, {"evaluations_since", 0}};
    saved.state["interval"]["metrics"]["loss"] = {none, 1};
    run.replace(saved);
    const int64_t step = run.go(at_once);
    EXPECT_EQ(step, run.checkpoint().state["step"].get<int64_t>());
    const Json best = run.checkpoint().state["best"];
    EXPECT_EQ(best["step"], 2) << best;
    EXPECT_TRUE(best["cross_entropy"].is_number_float()) << best;
  }
}

/// The steps that a run takes, and those that its observers hear of, where `planned` were to fill the minutes.
struct Planned {
  int64_t total = 0, heard = 0, eval_steps = 0;
};
Planned steps_of_timed_run(int64_t planned, double minutes, const TimedPlan& plan) {
  class Listener : public TrainingObserver {
   public:
    int64_t total = 0;
    void on_new_plan(int64_t total_steps) override { total = total_steps; }
  } listener;
  RunConfig config = tiny_run();
  config.train.steps = planned;
  config.train.minutes = minutes;
  config.train.eval_steps = 20;
  config.train.previews = false;
  TrainingSetup setup = make_setup(config);
  setup.plan = plan;
  setup.record.config = setup.record.requested = config;
  TemporaryFolder folder;
  const RunDirectory directory(folder.path(), StartMode::kResume);
  Trainer trainer(setup, &directory);
  trainer.run(Progress::none(), {&listener});
  EXPECT_TRUE(trainer.finished());
  EXPECT_EQ(trainer.step(), trainer.total_steps());
  const RunRecord record = read_run_record(folder.path()).value();
  EXPECT_EQ(record.config.train.steps, trainer.total_steps());
  EXPECT_EQ(record.requested.train.steps, trainer.total_steps()) << "what a resumed run is compared with";
  return {trainer.total_steps(), listener.total, record.config.train.eval_steps};
}

TEST(Trainer, ARunWithATimeToKeepToPlansAgainByItsOwnSpeed) {
  const Planned slower = steps_of_timed_run(100'000'000, 0.005, {.paced = {&TrainConfig::eval_steps}});
  EXPECT_LT(slower.total, 1'000'000);
  EXPECT_EQ(slower.heard, slower.total);
  EXPECT_EQ(slower.eval_steps, 1) << "it shrinks as the steps do";
  const Planned faster = steps_of_timed_run(40, 60, {.most_steps = 60, .paced = {&TrainConfig::eval_steps}});
  EXPECT_EQ(faster.total, 60) << "more are of no use";
  EXPECT_EQ(faster.eval_steps, 30);
  const Planned as_planned = steps_of_timed_run(40, 60, {.most_steps = 42});
  EXPECT_EQ(as_planned.total, 40) << "nearly the same";
  EXPECT_EQ(as_planned.heard, 0);
}

TEST(Trainer, ARunThatIsInterruptedInItsLastStepIsFinished) {
  RunConfig config = tiny_run();
  config.train.steps = 1;
  TrainingSetup setup = make_setup(config);
  TemporaryFolder folder;
  const RunDirectory directory(folder.path(), StartMode::kResume);
  Trainer trainer(setup, &directory);
  EXPECT_NO_THROW(trainer.run(at_once));
  EXPECT_TRUE(load_checkpoint(folder.path())->state["finished"].get<bool>());
}

/// Writes down what it is told, and asks for the end at one of these events.
class Listener : public TrainingObserver {
 public:
  explicit Listener(std::string stop_at = "") : stop_at_(std::move(stop_at)) {}
  void on_train_begin(int64_t steps_done, int64_t total_steps, double) override {
    hear("begin " + std::to_string(steps_done) + " of " + std::to_string(total_steps));
  }
  void on_step_end(int64_t step) override { hear("step " + std::to_string(step)); }
  void on_log(int64_t step, const Metrics& metrics) override {
    logged.push_back(metrics);
    hear("log " + std::to_string(step));
  }
  void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) override {
    evaluated.push_back(evaluation);
    hear("evaluate " + std::to_string(step));
  }
  void on_train_end(int64_t step) override { hear("end " + std::to_string(step)); }

  std::vector<std::string> heard;
  std::vector<Metrics> logged;
  std::vector<HeldOutEvaluation> evaluated;

 private:
  void hear(const std::string& event) {
    heard.push_back(event);
    if (event == stop_at_) throw Interrupted("enough");
  }
  std::string stop_at_;
};

RunConfig observed_run() {
  RunConfig config = tiny_run();
  config.train.steps = 4;
  config.train.log_steps = config.train.eval_steps = 2;
  return config;
}

TEST(Trainer, ObserversHearOfARunInOrder) {
  TestRun run(observed_run());
  Listener listener;
  EXPECT_EQ(run.go(Progress::none(), {&listener}), 4);
  EXPECT_EQ(listener.heard, (std::vector<std::string>{"begin 0 of 4", "step 1", "step 2", "log 2", "evaluate 2",
                                                      "step 3", "step 4", "log 4", "evaluate 4", "end 4"}));
  const std::vector<double> losses = run.values("loss"), scores = run.values("valid_cross_entropy");
  ASSERT_EQ(losses.size(), 2u);
  ASSERT_EQ(scores.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {  // what stands in the run's own log
    EXPECT_EQ(listener.logged[i][0], (std::pair<std::string, double>("loss", losses[i])));
    EXPECT_EQ(listener.evaluated[i].metrics[0], (std::pair<std::string, double>("valid_cross_entropy", scores[i])));
    EXPECT_EQ(listener.evaluated[i].scores.cross_entropy, scores[i]);
    EXPECT_EQ(listener.evaluated[i].preview.interpolation.size(), 13u);
    EXPECT_EQ(listener.evaluated[i].preview.samples.size(), 10u);
  }
  Listener again;
  EXPECT_EQ(run.go(Progress::none(), {&again}), 4);
  EXPECT_EQ(again.heard, (std::vector<std::string>{"begin 4 of 4", "end 4"})) << "it was finished";
}

TEST(Trainer, AnObserverStopsARunWhereverItIs) {
  TestRun whole(observed_run());
  whole.go();
  const std::vector<std::string> first_half = {"begin 0 of 4", "step 1", "step 2", "log 2", "evaluate 2"};
  for (const std::string& event : first_half) {
    TestRun stopped(observed_run());
    Listener stops(event), other;
    const int64_t step = event == "begin 0 of 4" ? 0 : event == "step 1" ? 1 : 2;
    EXPECT_EQ(stopped.go(Progress::none(), {&stops, &other}), step) << event;
    EXPECT_EQ(other.heard, stops.heard) << event;
    const size_t of_whole_steps[] = {1, 2, 5};
    EXPECT_EQ(other.heard, std::vector<std::string>(first_half.begin(), first_half.begin() + of_whole_steps[step]))
        << event;
    EXPECT_EQ(stopped.go(), 4);
    expect_identical(whole.checkpoint().tensors, stopped.checkpoint().tensors, event);
    expect_identical(whole.model(), stopped.model(), event);
    EXPECT_EQ(whole.lines(), stopped.lines()) << event;
  }
  TestRun last(observed_run());
  Listener too_late("evaluate 4");
  EXPECT_EQ(last.go(Progress::none(), {&too_late}), 4);
  EXPECT_EQ(too_late.heard.back(), "end 4") << "a run that has just finished is finished";
}

TEST(Trainer, ACheckpointThatCannotBeSeenIsNotAbsent) {
  TemporaryFolder folder;
  folder.put("checkpoint", "a file where the folder should be");
  EXPECT_FALSE(has_checkpoint(folder.path()));
  std::filesystem::remove(folder.path("checkpoint"));
  std::filesystem::create_symlink("checkpoint",
                                  folder.path("checkpoint"));  // cannot be followed, as one without rights
  EXPECT_THROW(has_checkpoint(folder.path()), CheckpointError);
}

TEST(Trainer, ACheckpointOfAnotherRunIsRefused) {
  const RunConfig config = tiny_run();
  TestRun run(config);
  run.go();
  const Checkpoint saved = run.checkpoint();
  const auto refused = [&](const RunConfig& other, const Checkpoint& checkpoint) {
    TrainingSetup setup = make_setup(other);
    TemporaryFolder folder;
    const RunDirectory directory(folder.path(), StartMode::kResume);
    Trainer trainer(setup, &directory);
    try {
      trainer.restore(checkpoint);
    } catch (const CheckpointError&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused(config, saved));
  RunConfig longer = config, wider = config, other_optimizer = config;
  longer.train.steps = 7;
  wider.model.d_ff = 32;
  other_optimizer.train.optimizer = "adafactor";
  for (const RunConfig& other : {longer, wider, other_optimizer}) EXPECT_TRUE(refused(other, saved));
  Checkpoint other_data = saved, damaged = saved;
  other_data.state["data"] = "0";
  damaged.state.erase("batch");
  EXPECT_TRUE(refused(config, other_data));
  EXPECT_TRUE(refused(config, damaged));
  for (const int64_t step : {config.train.steps + 1, int64_t{1} << 40, int64_t{-1}}) {
    Checkpoint beyond = saved;
    beyond.state["step"] = step;
    EXPECT_TRUE(refused(config, beyond)) << step;
  }
}

TEST(Trainer, ACheckpointsShapesAreComparedFirst) {
  TestRun run(tiny_run());
  run.go();
  EXPECT_NO_THROW(require_checkpoint_of(run.config(), run.path()));
  ModelConfig huge = run.config();
  huge.vocab_size = 10'000'000;
  huge.d_model = 65'536;  // terabytes, were they asked for
  EXPECT_THROW(require_checkpoint_of(huge, run.path()), CheckpointError);
}

}  // namespace
}  // namespace tvae::test
