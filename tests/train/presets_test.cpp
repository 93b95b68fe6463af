// Every preset, shrunk to a tiny model of the same structure: trains, saves, loads, generates.
#include "tvae/config/presets.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tvae/latent/codec.h"
#include "tvae/train/trainer.h"

namespace tvae::test {
namespace {

TEST(Presets, EachTrainsSavesLoadsAndGenerates) {
  ASSERT_GE(all_presets().size(), 5u);
  for (const Preset& preset : all_presets()) {
    SCOPED_TRACE(preset.name);
    RunConfig config = resolve_config({preset.name}, {}).config;
    if (config.loss.critic.score != "none") config.model.critic_block_sizes = "1";
    shrink(config.model);
    config.data.max_tokens = 16;
    config.train.steps = 2;
    config.train.batch_size = 6;
    config.train.batch_tokens = 0;
    config.train.accumulation_steps = 2;
    config.train.precision = "fp32";
    if (config.loss.bag_of_words.weight > 0) config.model.bag_of_words = true;

    Tokenizer tokenizer = byte_tokenizer();
    TokenDataset data = tiny_dataset(tokenizer);
    Rng rng(1);
    Model model{"", std::move(tokenizer), TransformerVae(config.model, rng), config.data.max_tokens, config.data.check};
    TrainingSetup setup{config, std::move(model), data, data, {}, {}};
    const TemporaryFolder folder;
    const RunDirectory directory(folder.path(), StartMode::kNew);
    Trainer trainer(setup, &directory);
    trainer.run();

    const Model loaded = load_model(folder.path());
    EXPECT_EQ(loaded.max_tokens, 16);
    EXPECT_EQ(loaded.check, config.data.check);
    const EncodedTexts encoded = encode_texts(loaded, lines());
    EXPECT_TRUE(encoded.mean.isfinite().all().item<bool>());
    EXPECT_EQ(encoded.mean.sizes(), (std::vector<int64_t>{static_cast<int64_t>(lines().size()),
                                                          config.model.latent_tokens, config.model.latent_size}));
    EXPECT_EQ(decode_codes(loaded, encoded.mean).size(), lines().size());
  }
}

}  // namespace
}  // namespace tvae::test
