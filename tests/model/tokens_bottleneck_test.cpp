// The code as first encoder states: upsampling as transformers' Funnel does it, padding, decoders.
#include "tests/support/fixture.h"
#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"
#include "tvae/model/bottleneck.h"

namespace tvae {
namespace {

using torch::Tensor;

struct Built {
  Rng rng{1};
  Parameters parameters{rng};
  std::unique_ptr<Bottleneck> bottleneck;

  explicit Built(const ModelConfig& config) : bottleneck(make_bottleneck(Scope(parameters), config)) {}
};

/// Codes as wide as states and no norm, so that the memory holds the codes themselves.
ModelConfig upsampling(const std::string& block_sizes) {
  ModelConfig config;
  config.encoder = "funnel";
  config.bottleneck = "tokens";
  config.d_model = config.latent_size = 3;
  config.latent_tokens = 5;
  config.sequence_length = 14;
  config.tokens_bottleneck.latent_decoder = "no_norm";
  config.funnel.block_sizes = block_sizes;
  return config;
}

TEST(TokensBottleneck, UpsamplesAsFunnelDoes) {
  const test::Fixture fixture("funnel");
  const std::vector<std::pair<std::string, std::string>> cases = {{"1", "1"}, {"2_1", "2"}, {"1_1_1", "4"}};
  for (const auto& [block_sizes, stride] : cases) {
    ModelConfig config = upsampling(block_sizes);
    config.tokens_bottleneck.mask_upsample_tail = false;
    const Tensor& expected = fixture["upsample." + stride];
    const Memory published = Built(config).bottleneck->decode(fixture["upsample.codes"], {});
    EXPECT_TRUE(torch::equal(published.states, expected.flatten(0, 1))) << stride;
    EXPECT_EQ(published.spans, equal_spans(2, expected.size(1)));

    config.tokens_bottleneck.mask_upsample_tail = true;
    const Memory masked = Built(config).bottleneck->decode(fixture["upsample.codes"], {});
    const int64_t rows = masked.spans[0].length;
    EXPECT_EQ(rows, expected.abs().sum(2).gt(0).sum(1).min().item<int64_t>()) << "all but the zero rows";
    EXPECT_TRUE(torch::equal(masked.states.view({2, rows, 3}), expected.narrow(1, 0, rows))) << stride;

    config.tokens_bottleneck.skip_upsample = true;
    const Memory skipped = Built(config).bottleneck->decode(fixture["upsample.codes"], {});
    EXPECT_TRUE(torch::equal(skipped.states, fixture["upsample.codes"].flatten(0, 1))) << stride;
  }
}

TEST(TokensBottleneck, DecodersHaveThePublishedParts) {
  ModelConfig config = test::tiny_config("tokens");
  const auto names = [&] {
    const Built built(config);
    std::string all;
    for (const NamedParameter& parameter : built.parameters.list()) all += parameter.name + " ";
    return all;
  };
  config.tokens_bottleneck.latent_decoder = "layer_norm";
  EXPECT_EQ(names(),
            "encoder.token_to_latent.weight encoder.token_to_latent.bias decoder.latent_to_token.weight "
            "decoder.latent_to_token.bias decoder.norm.weight decoder.norm.bias ");
  config.tokens_bottleneck.latent_decoder = "t5_norm";
  EXPECT_NE(names().find("decoder.norm.DenseReluDense.wi.weight"), std::string::npos);
  config.tokens_bottleneck.latent_decoder = "no_norm";
  config.latent_size = config.d_model;
  EXPECT_EQ(names(), "encoder.token_to_latent.weight encoder.token_to_latent.bias ") << "identity: nothing to map";
}

TEST(TokensBottleneck, ShortSequencesArePaddedUntilTheyHaveACodeEach) {
  ModelConfig config = test::tiny_config("tokens");
  config.funnel.block_sizes = "1_1_1";
  config.latent_tokens = 3;
  config.vocab_size = 259;
  Rng rng(1);
  const TransformerVae vae(config, rng);
  for (const int64_t length : {1, 2, 5, 11}) {
    const TokenStream batch{at::full({length}, 7, at::kLong), {{0, length}}};
    const Posterior posterior = vae.encode(batch);
    EXPECT_EQ(posterior.mode().sizes(), (std::vector<int64_t>{1, 3, config.latent_size})) << length;
  }
}

TEST(TokensBottleneck, OthersWantANumberOfCodes) {
  ModelConfig config = test::tiny_config("queries");
  config.latent_tokens = -1;
  Rng rng(1);
  EXPECT_THROW(TransformerVae(config, rng), ConfigError);
}

}  // namespace
}  // namespace tvae
