#include "tvae/latent/codec.h"

#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/threads.h"

namespace tvae {
namespace {

/// Texts of many lengths, as many as three threads share, and the last batch of them short.
std::vector<std::string> many_texts() {
  std::vector<std::string> texts;
  for (int i = 0; i < 4 * 3 * 64 + 30; ++i)
    texts.push_back(std::string(static_cast<size_t>(i % 13), 'a') + std::to_string(i));
  return texts;
}

TEST(Codec, ManyTextsHaveTheCodesThatTheyHaveAlone) {
  const test::TemporaryFolder folder;
  for (const char* posterior : {"gaussian", "deterministic"}) {
    const Model model = test::saved_model(folder.path(posterior), posterior);
    const std::vector<std::string> texts = many_texts();
    const test::Threads three(3);
    const EncodedTexts all = encode_texts(model, texts);
    ASSERT_EQ(all.mean.size(0), static_cast<int64_t>(texts.size()));
    EXPECT_EQ(all.cut.size(), texts.size());
    EXPECT_EQ(all.log_variance.has_value(), std::string(posterior) == "gaussian");
    const torch::Tensor states = mean_encoder_states(model, texts);
    for (size_t i = 0; i < texts.size(); i += 97) {
      const auto row = static_cast<int64_t>(i);
      const EncodedTexts alone = encode_texts(model, {texts[i]});
      EXPECT_TRUE(at::allclose(all.mean[row], alone.mean[0], 1e-4, 1e-5)) << i;
      if (alone.log_variance) {
        EXPECT_TRUE(at::allclose((*all.log_variance)[row], (*alone.log_variance)[0], 1e-4, 1e-5)) << i;
      }
      EXPECT_TRUE(at::allclose(states[row], mean_encoder_states(model, {texts[i]})[0], 1e-4, 1e-5)) << i;
    }
  }
}

}  // namespace
}  // namespace tvae
