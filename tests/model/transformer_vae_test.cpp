#include "tvae/model/transformer_vae.h"

#include <set>

#include "tests/support/gradient_check.h"
#include "tests/support/threads.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"
#include "tvae/model/generate.h"

namespace tvae {
namespace {

using torch::Tensor;

class EveryBottleneck : public testing::TestWithParam<std::string> {
 protected:
  EveryBottleneck() : vae_(test::tiny_config(GetParam()), rng_), batch_(test::tiny_batch(tokenizer_)) {}

  Rng rng_{5};
  Tokenizer tokenizer_ = test::byte_tokenizer();
  TransformerVae vae_;
  TokenBatch batch_;
};

TEST_P(EveryBottleneck, EveryWeightGetsAFiniteGradient) {
  Rng noise(1);
  const ForwardResult result = vae_.forward(to_stream(batch_, torch::kCPU), {0.1, 0.1, 0.1}, {true, &noise});
  result.reconstruction.loss.backward();
  for (const NamedParameter& parameter : vae_.parameters().list()) {
    ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name;
    EXPECT_TRUE(parameter.value.grad().isfinite().all().item<bool>()) << parameter.name;
    EXPECT_GT(parameter.value.grad().abs().max().item<double>(), 0.0) << parameter.name;
  }
}

TEST_P(EveryBottleneck, ASequenceIsTheSameAloneAndInABatch) {
  const torch::NoGradGuard no_grad;
  const Posterior together = vae_.encode(to_stream(batch_, torch::kCPU));
  int64_t start = 0, row = 0;
  for (const LengthGroup& group : batch_.groups)
    for (int64_t i = 0; i < group.count; ++i, start += group.length, ++row) {
      TokenBatch alone;
      alone.ids.assign(batch_.ids.begin() + start, batch_.ids.begin() + start + group.length);
      alone.groups = {{group.length, 1}};
      alone.rows = {0};
      const Posterior single = vae_.encode(to_stream(alone, torch::kCPU));
      EXPECT_LT((single.mode()[0] - together.mode()[row]).abs().max().item<double>(), 1e-5) << "sequence " << row;
    }
}

TEST_P(EveryBottleneck, CachedGenerationEqualsTheFullPass) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  const ModelConfig& config = vae_.config();
  const Tensor code = at::randn({7, config.latent_tokens, config.latent_size});
  GenerationOptions options;
  options.max_tokens = 12;
  options.batch_rows = 4;  // two batches
  const auto outputs = generate(vae_, code, options);
  ASSERT_EQ(outputs.size(), 7u);
  for (int64_t row = 0; row < 7; ++row) {
    const Memory memory = vae_.decode_latent(code.narrow(0, row, 1));
    // Greedy again without a cache: the whole prefix through the decoder for every token.
    std::vector<int64_t> inputs = {config.decoder_start_token_id};
    std::vector<int32_t> expected;
    bool finished = false;
    while (static_cast<int64_t>(expected.size()) < options.max_tokens) {
      const Spans spans = {{0, static_cast<int64_t>(inputs.size())}};
      const Tensor states = vae_.decoder().forward(torch::tensor(inputs, at::kLong), spans, memory, {});
      const int64_t id = vae_.decoder().logits(states.narrow(0, states.size(0) - 1, 1)).argmax(1).item<int64_t>();
      if (id == config.eos_token_id) {
        finished = true;
        break;
      }
      expected.push_back(static_cast<int32_t>(id));
      inputs.push_back(id);
    }
    EXPECT_EQ(outputs[row].ids, expected) << "row " << row;
    EXPECT_EQ(outputs[row].finished, finished);
    EXPECT_EQ(outputs[row].probability.size(), expected.size() + finished);
  }
}

TEST_P(EveryBottleneck, GradientsAgreeWithFiniteDifferencesThroughTheWholeModel) {
  vae_.parameters().to(torch::kCPU, at::kDouble);
  const TokenStream stream = to_stream(batch_, torch::kCPU);
  const auto loss = [&] { return vae_.forward(stream, {}, {}).reconstruction.loss; };
  loss().backward();
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  // The whole gradient at once, along a random direction.
  double analytic = 0;
  std::vector<Tensor> direction;
  for (const NamedParameter& parameter : vae_.parameters().list()) {
    direction.push_back(at::randn_like(parameter.value));
    if (parameter.value.grad().defined()) analytic += (direction.back() * parameter.value.grad()).sum().item<double>();
  }
  const auto move = [&](double step) {
    for (size_t i = 0; i < direction.size(); ++i) vae_.parameters().list()[i].value.add_(direction[i], step);
  };
  constexpr double kStep = 1e-6;
  move(kStep);
  const double up = loss().item<double>();
  move(-2 * kStep);
  const double down = loss().item<double>();
  EXPECT_NEAR(analytic, (up - down) / (2 * kStep), 1e-4 * std::abs(analytic));
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryBottleneck, testing::ValuesIn(bottlenecks().names()),
                         [](const auto& tested) { return tested.param; });

TEST(Generation, SamplingWithTopKOneIsGreedyAndSeedsRepeat) {
  Rng rng(5);
  TransformerVae vae(test::tiny_config("queries"), rng);
  torch::manual_seed(3);
  const Tensor code = at::randn({5, vae.config().latent_tokens, vae.config().latent_size});
  GenerationOptions greedy, sampled;
  greedy.max_tokens = sampled.max_tokens = 10;
  sampled.sample = true;
  const auto ids = [&](const GenerationOptions& options) {
    std::vector<std::vector<int32_t>> all;
    for (const Generated& output : generate(vae, code, options)) all.push_back(output.ids);
    return all;
  };
  EXPECT_EQ(ids(sampled), ids(sampled));
  sampled.seed = 43;
  GenerationOptions other = sampled;
  other.seed = 44;
  EXPECT_NE(ids(sampled), ids(other));
  sampled.top_k = 1;
  EXPECT_EQ(ids(sampled), ids(greedy));
  sampled.top_k = 0;
  sampled.top_p = 1e-6;
  EXPECT_EQ(ids(sampled), ids(greedy));
}

/// Rows that are free wait until there are enough of them for the next codes.
TEST(Generation, DoesNotDependOnHowManyAreWrittenTogether) {
  Rng rng(5);
  const TransformerVae vae(test::tiny_config("queries"), rng);
  const Tensor code =
      at::randn({60, vae.config().latent_tokens, vae.config().latent_size}, rng.generator(), at::kFloat) * 4;
  GenerationOptions options;
  options.max_tokens = 9;
  const auto outputs = [&](int64_t rows, bool constrained) {
    options.batch_rows = rows;
    // Ends at different steps, which those of a random model may not: constraints are made in the order of the codes.
    class EndsAfter : public OutputConstraint {
     public:
      explicit EndsAfter(int64_t ids) : left_(ids) {}
      bool accept(int64_t id) override { return left_ == 0 ? id == 1 : id != 1 && left_-- > 0; }

     private:
      int64_t left_;
    };
    if (constrained) options.constraint = [made = 0]() mutable { return std::make_unique<EndsAfter>(made++ * 5 % 7); };
    std::vector<std::vector<int32_t>> all;
    for (const Generated& output : generate(vae, code, options)) all.push_back(output.ids);
    return all;
  };
  for (const bool constrained : {false, true}) {
    const auto alone = outputs(1, constrained);
    for (const int64_t rows : {7, 16, 33, 60, 512}) EXPECT_EQ(outputs(rows, constrained), alone) << rows;
    std::set<size_t> lengths;
    for (const auto& ids : alone) lengths.insert(ids.size());
    EXPECT_TRUE(!constrained || lengths.size() > 2) << "the test wants outputs that end at different steps";
  }
}

TEST(Generation, DoesNotDependOnHowManyThreadsShareTheCodes) {
  Rng rng(5);
  const TransformerVae vae(test::tiny_config("queries"), rng);
  const Tensor code =
      at::randn({101, vae.config().latent_tokens, vae.config().latent_size}, rng.generator(), at::kFloat) * 4;
  GenerationOptions options;
  options.max_tokens = 9;
  options.batch_rows = 60;
  const auto outputs = [&](int threads) {
    const test::Threads so_many(threads);
    std::vector<std::vector<int32_t>> all;
    for (const Generated& output : generate(vae, code, options)) all.push_back(output.ids);
    return all;
  };
  const auto alone = outputs(1);
  EXPECT_EQ(outputs(3), alone);
  EXPECT_EQ(outputs(6), alone);  // as many codes a thread as make it worth while
  const std::set<std::vector<int32_t>> different(alone.begin(), alone.end());
  EXPECT_GT(different.size(), 3) << "the test wants outputs that differ";
}

/// Ids in pairs: an odd one only after the even one below it, and no end between them.
class InPairs : public OutputConstraint {
 public:
  bool accept(int64_t id) override {
    const bool ends = id == 1;
    if (open_ >= 0 ? id != open_ + 1 : !ends && id % 2 != 0) return false;
    open_ = open_ >= 0 || ends ? -1 : id;
    return true;
  }

 private:
  int64_t open_ = -1;
};

TEST(Generation, KeepsToAConstraint) {
  Rng rng(5);
  const TransformerVae vae(test::tiny_config("queries"), rng);
  const Tensor code = at::randn({9, vae.config().latent_tokens, vae.config().latent_size}, rng.generator(), at::kFloat);
  GenerationOptions options;
  options.max_tokens = 12;
  options.batch_rows = 4;
  const auto in_pairs = [](const Generated& output) {
    InPairs constraint;
    for (const int32_t id : output.ids)
      if (!constraint.accept(id)) return false;
    return !output.finished || constraint.accept(1);
  };
  for (const bool sample : {false, true})
    for (const int64_t top_k : {int64_t{0}, int64_t{1}}) {
      if (!sample && top_k > 0) continue;
      options.sample = sample;
      options.top_k = top_k;
      options.constraint = {};
      int64_t kept = 0;
      for (const Generated& output : generate(vae, code, options)) kept += in_pairs(output);
      EXPECT_LT(kept, 9) << "the test asks for what is so anyway";
      options.constraint = [] { return std::make_unique<InPairs>(); };
      const auto outputs = generate(vae, code, options);
      for (const Generated& output : outputs) {
        EXPECT_TRUE(in_pairs(output)) << sample << " " << top_k;
        EXPECT_EQ(output.probability.size(), output.ids.size() + output.finished);
        for (const float probability : output.probability) EXPECT_TRUE(probability >= 0 && probability <= 1);
      }
    }
  // Greedy takes the likeliest of what is accepted: a constraint that accepts everything changes nothing.
  class Anything : public OutputConstraint {
    bool accept(int64_t) override { return true; }
  };
  options = {};
  const auto plain = generate(vae, code, options);
  options.constraint = [] { return std::make_unique<Anything>(); };
  const auto free = generate(vae, code, options);
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(plain[i].ids, free[i].ids);
}

TEST(TransformerVae, ImpossibleConfigurationsAreConfigErrors) {
  Rng rng(1);
  ModelConfig config = test::tiny_config("queries");
  config.bottleneck = "qeries";
  EXPECT_THROW(TransformerVae(config, rng), ConfigError);
  config = test::tiny_config("fc");
  config.latent_tokens = 2;
  EXPECT_THROW(TransformerVae(config, rng), ConfigError);
  config = test::tiny_config("queries");
  config.vocab_size = 0;
  EXPECT_THROW(TransformerVae(config, rng), ConfigError);
}

TEST(TransformerVae, LayersOfTheFcBottleneckStartAsPyTorchWould) {
  const ModelConfig config = test::tiny_config("fc");
  Rng rng(1);
  const TransformerVae vae(config, rng);
  const TensorMap weights = vae.parameters().to_map();
  const double bound = 1.0 / std::sqrt(static_cast<double>(config.d_model));
  const Tensor wi = weights.at("vae.decoder.norm.DenseReluDense.wi.weight");
  EXPECT_LE(wi.abs().max().item<double>(), bound);
  EXPECT_GT(wi.abs().max().item<double>(), 0.95 * bound);
}

TEST(TransformerVae, MaskedTokensBecomeTheTokenizersUnknown) {
  ModelConfig config = test::tiny_config("queries");
  const Tokenizer tokenizer = test::byte_tokenizer();
  const TokenStream batch = to_stream(test::tiny_batch(tokenizer), torch::kCPU);
  const auto touched = [&](int64_t unknown) {  // rows of the embedding that the encoder reads when all is masked
    config.unk_token_id = unknown;
    config.tie_word_embeddings = false;
    Rng rng(1);
    TransformerVae vae(config, rng);
    const ForwardContext context{/*training=*/true, &rng};
    NoiseLevels noise;
    noise.encoder_token_mask = noise.decoder_token_mask = 1.0;
    vae.forward(batch, noise, context).reconstruction.loss.backward();
    const Tensor rows = vae.parameters().list()[0].value.grad().abs().sum(1).nonzero().flatten();
    return std::vector<int64_t>(rows.data_ptr<int64_t>(), rows.data_ptr<int64_t>() + rows.numel());
  };
  EXPECT_EQ(touched(2), (std::vector<int64_t>{0, 1, 2}));  // start, end, unknown
  EXPECT_EQ(touched(7), (std::vector<int64_t>{0, 1, 7}));
}

TEST(Noise, ReplacedTokensAreAsManyAsAskedAndSpecialOnesStay) {
  const ModelConfig config = test::tiny_config("queries");
  const int64_t count = 40000;
  torch::manual_seed(4);
  const Tensor ids = at::randint(3, config.vocab_size, {count}, at::kLong);
  const auto replaced = [&](double unknown, double random, uint64_t seed) {
    Rng rng(seed);
    return replace_tokens(ids, unknown, random, config, {/*training=*/true, &rng});
  };
  const auto share = [&](const Tensor& which) { return which.sum().item<double>() / static_cast<double>(count); };
  const Tensor noisy = replaced(0.3, 0.1, 7);
  // Four standard deviations of a share of 40,000; one of 259 random ids is unknown, and one the old id.
  constexpr double kTolerance = 0.01;
  EXPECT_NEAR(share(noisy == config.unk_token_id), 0.3 + 0.1 / 259, kTolerance);
  const Tensor random = (noisy != ids).logical_and(noisy != config.unk_token_id);
  EXPECT_NEAR(share(random), 0.1, kTolerance);
  EXPECT_NEAR(noisy.masked_select(random).to(at::kFloat).mean().item<double>(), 129, 5) << "any id alike";
  EXPECT_TRUE(torch::equal(noisy, replaced(0.3, 0.1, 7)));
  EXPECT_FALSE(torch::equal(noisy, replaced(0.3, 0.1, 8)));
  EXPECT_TRUE(torch::equal(replaced(0.0, 0.0, 7), ids));
  EXPECT_TRUE(torch::equal(replace_tokens(ids, 0.3, 0.1, config, {}), ids)) << "off in evaluation";

  Rng rng(1);
  const Tensor special = torch::tensor({0, 1, 2}, at::kLong).repeat({1000});  // start (and padding), end, unknown
  EXPECT_TRUE(torch::equal(replace_tokens(special, 0.5, 0.5, config, {/*training=*/true, &rng}), special));
}

TEST(TransformerVae, EncoderNoiseChangesWhatIsEncodedAndNotWhatIsToBeWritten) {
  Rng rng(1);
  const TransformerVae vae(test::tiny_config("flax"), rng);  // without dropout, and the code is its mean
  const Tokenizer tokenizer = test::byte_tokenizer();
  const TokenStream batch = to_stream(test::tiny_batch(tokenizer), torch::kCPU);
  const Tensor clean = vae.encode(batch).mode();
  for (const bool random : {false, true}) {
    NoiseLevels noise;
    (random ? noise.encoder_token_random : noise.encoder_token_mask) = 0.5;
    const ForwardResult result = vae.forward(batch, noise, {/*training=*/true, &rng});
    EXPECT_GT((result.code - clean).abs().max().item<double>(), 1e-3);
    const Tensor states = vae.decoder_states(batch, result.memory, 0.0, {});
    EXPECT_EQ(vae.decoder().cross_entropy(states, batch.ids).loss.item<double>(),
              result.reconstruction.loss.item<double>());
    EXPECT_TRUE(torch::equal(vae.forward(batch, noise, {}).code, clean)) << "off in evaluation";
  }
}

TEST(TransformerVae, MixedCodesLieOnTheArcToAnotherSequence) {
  ModelConfig config = test::tiny_config("queries");
  config.posterior = "deterministic";
  Rng weights(5), noise(1);
  const TransformerVae vae(config, weights);
  const TokenBatch batch = test::tiny_batch(test::byte_tokenizer());
  NoiseLevels levels;
  levels.latent_mix = 0.5;
  const torch::NoGradGuard no_grad;
  const auto forward = [&](const NoiseLevels& noise_levels) {
    return vae.forward(to_stream(batch, torch::kCPU), noise_levels, {true, &noise});
  };
  const ForwardResult plain = forward({}), mixed = forward(levels);
  EXPECT_TRUE(mixed.code.equal(plain.code)) << "the regularizer sees codes before they are mixed";
  // latent_to_input is affine, so what it adds to the inputs tells which combination of two codes was decoded: its
  // weights a and b solve a² + b² = 1 with b up to sin(π/4).
  const Tensor origin = vae.decode_latent(at::zeros_like(plain.code)).input_embedding;
  const Tensor own = plain.memory.input_embedding - origin, moved = mixed.memory.input_embedding - origin;
  const int64_t sequences = own.size(0);
  int64_t best_shift = 0;
  double best_error = 1e9;
  Tensor shares;
  for (int64_t shift = 1; shift < sequences; ++shift) {
    const Tensor basis = at::stack({own, own.roll(shift, 0)}, 2);  // [B, d, 2]
    const Tensor solution = at::matmul(at::linalg_pinv(basis), moved.unsqueeze(2));
    const double error = (at::matmul(basis, solution) - moved.unsqueeze(2)).abs().max().item<double>();
    if (error < best_error) {
      best_error = error;
      best_shift = shift;
      shares = solution.squeeze(2);
    }
  }
  EXPECT_LT(best_error, 1e-4) << "another sequence of the batch, " << best_shift << " further on";
  EXPECT_LT((shares.square().sum(1) - 1.0).abs().max().item<double>(), 1e-3);
  const Tensor other = shares.select(1, 1);
  EXPECT_GE(other.min().item<double>(), 0.0);
  EXPECT_LE(other.max().item<double>(), std::sqrt(0.5) + 1e-4);
  EXPECT_GT(other.max().item<double>() - other.min().item<double>(), 0.1) << "each sequence draws its own share";
}

TEST(Parameters, LoadIsStrict) {
  Rng rng(1);
  TransformerVae vae(test::tiny_config("queries"), rng);
  TensorMap weights = vae.parameters().to_map();
  TensorMap lacking = weights, extra = weights, reshaped = weights;
  lacking.erase(lacking.begin());
  extra["unknown.weight"] = at::zeros({1});
  reshaped["shared.weight"] = at::zeros({2, 2});
  EXPECT_NO_THROW(vae.parameters().load(weights, "test"));
  EXPECT_THROW(vae.parameters().load(lacking, "test"), CheckpointError);
  EXPECT_THROW(vae.parameters().load(extra, "test"), CheckpointError);
  EXPECT_THROW(vae.parameters().load(reshaped, "test"), CheckpointError);
}

}  // namespace
}  // namespace tvae
