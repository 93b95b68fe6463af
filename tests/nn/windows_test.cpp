// Window attention and gradient checkpointing of the stacks.
#include <gtest/gtest.h>

#include "tests/support/tiny_model.h"
#include "tvae/base/error.h"
#include "tvae/model/generate.h"
#include "tvae/nn/t5.h"

namespace tvae {
namespace {

using torch::Tensor;

ModelConfig windowed(int64_t size, int64_t sequence_length = 16) {
  ModelConfig config = test::tiny_config("queries");
  config.decoder_layers = 3;
  config.sequence_length = sequence_length;
  config.attention_window.size = size;
  return config;
}

/// Two rows of memory a sequence.
Memory some_memory(int64_t sequences, const ModelConfig& config) {
  return {at::randn({2 * sequences, config.d_model}), equal_spans(sequences, 2), {}};
}

TEST(AttentionWindows, ArePublishedOnesOfPublishedLengths) {
  for (const auto& [length, size, shift] : {std::array{840L, 200L, 40L}, std::array{237L, 60L, 57L}}) {
    const AttentionWindows windows(windowed(size, length));
    EXPECT_EQ(windows.shift, shift);
    const int64_t whole = length - shift;  // even layers: [0, S - o), odd ones [o, S)
    EXPECT_EQ(windows.window_of(whole - 1, 0), whole - size);
    EXPECT_EQ(windows.window_of(whole, 0), -1);
    EXPECT_EQ(windows.window_of(shift - 1, 1), -1);
    EXPECT_EQ(windows.window_of(shift, 1), shift);
    EXPECT_EQ(windows.window_of(length - 1, 1), length - size);
    EXPECT_EQ(windows.window_of(size - 1, 2), 0);
    EXPECT_EQ(windows.window_of(size, 2), size);
  }
}

TEST(AttentionWindows, OverlapForEveryLength) {
  for (int64_t length = 3; length <= 40; ++length)
    for (int64_t size = 2; size < length; ++size) {
      const AttentionWindows windows(windowed(size, length));
      ASSERT_GT(windows.shift, 0);
      for (int64_t position = 0; position < length; ++position) {
        const int64_t even = windows.window_of(position, 0), odd = windows.window_of(position, 1);
        EXPECT_TRUE(even >= 0 || odd >= 0 || size <= windows.shift + length % size)
            << "position " << position << " of " << length << " is in no window of " << size;
        for (const int64_t first : {even, odd}) {
          EXPECT_TRUE(first < 0 || (first <= position && position < first + size && first + size <= length));
        }
      }
    }
  EXPECT_EQ(AttentionWindows(windowed(8, 16)).shift, 4);
  EXPECT_THROW(AttentionWindows(windowed(16, 16)), ConfigError);
}

TEST(AttentionWindows, NothingFromOutsideTheWindowsIsSeen) {
  ModelConfig config = windowed(4);
  config.decoder_layers = 1;  // windows [0, 4), [4, 8), [8, 12), [12, 16): S mod 4 = 0, no row is left out
  Rng rng(2);
  Parameters parameters(rng);
  const T5Stack decoder(Scope(parameters), config, /*is_decoder=*/true, config.decoder_layers);
  const torch::NoGradGuard no_grad;
  const Memory memory = some_memory(1, config);
  const Spans spans = {{0, 11}};
  const Tensor inputs = at::randn({11, config.d_model});
  const Tensor states = decoder.forward(inputs, spans, spans, &memory, {});
  Tensor changed = inputs.clone();
  changed[2] += 1;
  const Tensor difference = (decoder.forward(changed, spans, spans, &memory, {}) - states).abs().amax(1);
  for (int64_t i = 0; i < 11; ++i)
    EXPECT_EQ(difference[i].item<float>() > 0, i == 2 || i == 3) << "row " << i << ": later, and in the same window";
}

/// Each row begins two steps after the one before it, and the first is replaced by another sequence once it has ended.
TEST(AttentionWindows, RowsOfACacheEqualTheFullPassWhereverTheyAre) {
  for (const int64_t size : {0, 3, 4, 5, 7, 15}) {
    const ModelConfig config = windowed(size);
    Rng rng(3);
    Parameters parameters(rng);
    const T5Stack decoder(Scope(parameters), config, /*is_decoder=*/true, config.decoder_layers);
    const torch::NoGradGuard no_grad;
    const int64_t rows = 3, length = 16;
    const Memory memory = some_memory(rows, config), other = some_memory(1, config);
    const Tensor inputs = at::randn({rows * length, config.d_model});
    const Spans spans = equal_spans(rows, length);
    const Tensor whole = decoder.forward(inputs, spans, spans, &memory, {}).view({rows, length, -1});
    const Tensor replaced =
        decoder.forward(inputs.narrow(0, 0, length), {{0, length}}, {{0, length}}, &other, {}).unsqueeze(0);
    T5Cache cache = decoder.make_cache(memory, length);
    for (int64_t time = 0; time < 2 * length; ++time) {
      if (time == length) decoder.replace_rows(cache, {0}, other);
      std::vector<int64_t> active, positions, places;
      std::vector<Tensor> expected;
      for (int64_t row = 0; row < rows; ++row) {
        const bool again = row == 0 && time >= length;
        const int64_t position = again ? time - length : time - 2 * row;
        if (position < 0 || position >= length) continue;
        active.push_back(row);
        positions.push_back(position);
        places.push_back(row * length + position);
        expected.push_back((again ? replaced[0] : whole[row])[position]);
      }
      const Tensor step =
          decoder.step(inputs.index_select(0, torch::tensor(places, at::kLong)), active, positions, cache);
      EXPECT_LT((step - at::stack(expected)).abs().max().item<double>(), 1e-5) << size << " at " << time;
    }
  }
}

/// Gradients of one training step with dropout.
TensorMap gradients(const ModelConfig& config, const RecomputeConfig& recompute = {}) {
  Rng weights(4), noise(5);
  TransformerVae vae(config, weights);
  const Tokenizer tokenizer = test::byte_tokenizer();
  const ForwardResult result =
      vae.forward(to_stream(test::tiny_batch(tokenizer), torch::kCPU), {0.1, 0.1, 0.1}, {true, &noise, recompute});
  result.reconstruction.loss.backward();
  TensorMap found;
  for (const NamedParameter& parameter : vae.parameters().list())
    if (parameter.value.grad().defined()) found[parameter.name] = parameter.value.grad();
  found["the next key"] = torch::tensor(static_cast<int64_t>(noise.next_key()));
  return found;
}

TEST(GradientCheckpoint, ChangesNoBitOfAnyGradientWithDropout) {
  for (const std::string encoder : {"t5", "funnel"})
    for (const int64_t window : {0, 5}) {
      ModelConfig config = test::tiny_config(encoder == "t5" ? "queries" : "tokens");
      config.encoder = encoder;
      config.decoder_layers = 3;
      config.dropout = 0.2;
      config.attention_window.size = window;
      const TensorMap expected = gradients(config);
      ASSERT_GT(expected.size(), 10u);
      for (const int64_t rate : {0, 1, 2}) {
        const TensorMap found = gradients(config, {rate != 2, rate});
        ASSERT_EQ(found.size(), expected.size());
        for (const auto& [name, gradient] : expected)
          EXPECT_TRUE(torch::equal(found.at(name), gradient)) << encoder << " " << rate << " " << name;
      }
    }
}

}  // namespace
}  // namespace tvae
