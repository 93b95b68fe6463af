// The Funnel encoder against transformers 4.57.6: every length in one batch against each alone, every gradient,
// padding.
#include "tvae/nn/funnel.h"

#include <numeric>

#include "tests/support/fixture.h"
#include "tvae/base/error.h"
#include "tvae/nn/batch_spans.h"

namespace tvae {
namespace {

using test::Fixture;
using test::relative_error;
using torch::Tensor;

ModelConfig config_of(const std::string& name) {
  ModelConfig config;
  config.encoder = "funnel";
  config.d_model = 8;
  config.num_heads = 2;
  config.d_kv = 4;
  config.funnel.d_inner = 12;
  config.funnel.hidden_dropout = config.funnel.attention_dropout = 0.0;
  config.funnel.block_sizes = "1_1_1";
  if (name == "relative_shift") config.funnel.block_sizes = "1_2_1";
  if (name == "no_cls") config.funnel.block_sizes = "2_1";
  if (name == "factorized" || name == "no_cls_factorized") config.funnel.attention = "factorized";
  if (name == "no_cls" || name == "no_cls_factorized") config.funnel.separate_cls = false;
  if (name == "no_cls_factorized") config.funnel.pool_q_only = false;
  if (name == "four_blocks_max") {
    config.funnel.block_sizes = "1_1_1_1";
    config.funnel.pooling = "max";
    config.funnel.truncate_seq = config.funnel.pool_q_only = false;
  }
  return config;
}

Spans end_to_end(const std::vector<int64_t>& lengths) {
  std::vector<LengthGroup> groups;
  for (const int64_t length : lengths) groups.push_back({length, 1});
  return spans_of(groups);
}

/// The first rows of `inputs` for every length, end to end.
Tensor prefixes(const Tensor& inputs, const std::vector<int64_t>& lengths) {
  std::vector<Tensor> pieces;
  for (const int64_t length : lengths) pieces.push_back(inputs.narrow(0, 0, length));
  return at::cat(pieces);
}

class FunnelParity : public testing::TestWithParam<std::string> {
 protected:
  FunnelParity()
      : fixture_(Fixture("funnel").part(GetParam() + ".")), encoder_(Scope(parameters_), config_of(GetParam())) {
    parameters_.load(fixture_.part("weights."), "the fixture");
  }

  Rng rng_{1};
  Parameters parameters_{rng_};
  Fixture fixture_;
  FunnelEncoder encoder_;
};

TEST_P(FunnelParity, StatesAndGradientsOfAllLengthsInOneBatch) {
  const Tensor lengths_tensor = fixture_["lengths"];
  const std::vector<int64_t> lengths(lengths_tensor.const_data_ptr<int64_t>(),
                                     lengths_tensor.const_data_ptr<int64_t>() + lengths_tensor.numel());
  const Tensor inputs = fixture_["inputs"].to(at::kFloat).requires_grad_(true);
  const Spans spans = end_to_end(lengths);
  const EncoderStates result = encoder_.forward(prefixes(inputs, lengths), spans, spans, {});
  EXPECT_LT(relative_error(result.states, fixture_["states"]), 1e-5);
  std::vector<int64_t> pooled;
  for (size_t b = 0; b < lengths.size(); ++b) {
    pooled.push_back(encoder_.rows(lengths[b]));
    EXPECT_EQ(result.spans[b].length, pooled.back());
    EXPECT_EQ(result.token_spans[b].start, result.spans[b].start);
  }
  EXPECT_EQ(result.spans, end_to_end(pooled));

  (result.states * prefixes(fixture_["loss_weights"].to(at::kFloat), pooled)).sum().backward();
  EXPECT_LT(relative_error(inputs.grad(), fixture_["gradients.inputs"]), 1e-4);
  test::expect_gradients(parameters_, fixture_);
}

TEST_P(FunnelParity, PaddingAttendsAndIsNotAttendedTo) {
  const Tensor tokens = fixture_["padded_tokens"], expected = fixture_["padded_states"];
  const int64_t longest = tokens.max().item<int64_t>();
  const Spans spans = equal_spans(3, longest);
  Spans real = spans;
  for (int64_t b = 0; b < 3; ++b) real[b].length = tokens[b].item<int64_t>();
  const Tensor inputs = fixture_["inputs"].to(at::kFloat).narrow(0, 0, longest);
  const EncoderStates result = encoder_.forward(at::cat({inputs, inputs, inputs}), spans, real, {});
  EXPECT_LT(relative_error(result.states, expected.flatten(0, 1)), 1e-5);
}

TEST_P(FunnelParity, EveryLengthIsEncodedAlikeAloneAndInABatch) {
  std::vector<int64_t> lengths(40);
  std::iota(lengths.begin(), lengths.end(), 1);
  const Tensor inputs = fixture_["inputs"].to(at::kFloat);
  const Spans spans = end_to_end(lengths);
  const EncoderStates batch = encoder_.forward(prefixes(inputs, lengths), spans, spans, {});
  for (size_t b = 0; b < lengths.size(); ++b) {
    const Spans one = {{0, lengths[b]}};
    const Tensor alone = encoder_.forward(inputs.narrow(0, 0, lengths[b]), one, one, {}).states;
    const Span& rows = batch.spans[b];
    EXPECT_LT(relative_error(batch.states.narrow(0, rows.start, rows.length), alone), 1e-5) << lengths[b];
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, FunnelParity,
                         testing::Values("relative_shift", "factorized", "four_blocks_max", "no_cls",
                                         "no_cls_factorized"),
                         [](const auto& setting) { return setting.param; });

TEST(Funnel, DropoutFollowsTheKeyAndOnlyInTraining) {
  for (const char* attention : {"relative_shift", "factorized"}) {
    ModelConfig config = config_of(attention);
    config.funnel.hidden_dropout = config.funnel.attention_dropout = config.funnel.activation_dropout = 0.3;
    Rng weights(1);
    Parameters parameters(weights);
    const FunnelEncoder encoder(Scope(parameters), config);
    const Tensor inputs = at::randn({17, 8});
    const Spans spans = {{0, 9}, {9, 8}};
    const auto states = [&](uint64_t seed) {
      Rng rng(seed);
      return encoder.forward(inputs, spans, spans, {/*training=*/true, &rng}).states;
    };
    EXPECT_TRUE(torch::equal(states(1), states(1)));
    EXPECT_FALSE(torch::equal(states(1), states(2)));
    EXPECT_TRUE(torch::equal(encoder.forward(inputs, spans, spans, {}).states,
                             encoder.forward(inputs, spans, spans, {}).states));
  }
}

TEST(Funnel, LengthsAreThoseOfThePublishedSequences) {
  ModelConfig config = config_of("relative_shift");
  Rng rng(1);
  Parameters parameters(rng);
  const FunnelEncoder encoder(Scope(parameters), config);
  const std::vector<std::pair<int64_t, int64_t>> known = {{30, 8}, {60, 15}, {99, 25}, {237, 60}, {840, 210}, {5, 2}};
  for (const auto& [length, rows] : known) EXPECT_EQ(encoder.rows(length), rows) << length;
}

TEST(Funnel, NoMoreBlocksThanTheLongestSequenceCanBeHalved) {
  ModelConfig config = config_of("relative_shift");
  config.sequence_length = 5;
  const auto build = [&](const std::string& sizes) {
    config.funnel.block_sizes = sizes;
    Rng rng(1);
    Parameters parameters(rng);
    FunnelEncoder encoder(Scope(parameters), config);
  };
  EXPECT_NO_THROW(build("1_1_1"));
  EXPECT_THROW(build("1_1_1_1"), ConfigError);
}

TEST(Funnel, BlockSizes) {
  EXPECT_EQ(parse_block_sizes("3_12_1"), (std::vector<int64_t>{3, 12, 1}));
  EXPECT_EQ(parse_block_sizes("6"), (std::vector<int64_t>{6}));
  for (const char* wrong : {"", "_", "3_", "_3", "3__3", "0_1", "-1", "3,3", "3 _3", "2000"})
    EXPECT_THROW(parse_block_sizes(wrong), ConfigError) << wrong;
}

}  // namespace
}  // namespace tvae
