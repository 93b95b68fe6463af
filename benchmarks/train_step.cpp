// Training steps of a plain T5 made of the library's stacks, each timed: one JSON line a step (benchmarks/README.md).
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <iostream>

#include "tvae/base/memory.h"
#include "tvae/data/token_batch.h"
#include "tvae/io/huggingface.h"
#include "tvae/nn/batch_spans.h"
#include "tvae/nn/t5.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/linear_cross_entropy.h"
#include "tvae/ops/torch.h"
#include "tvae/optim/gradients.h"
#include "tvae/optim/optimizer.h"

namespace tvae {
namespace {

using torch::Tensor;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;  // a Hugging Face directory
  std::string data;   // safetensors: ids [N] int32, lengths [sequences] int64
  int64_t batch_size = 32;
  int64_t steps = 10;
  double dropout = 0.1;
  double learning_rate = 1e-4;
  double clip_norm = 1.0;
  int threads = 0;
  bool bf16 = false;  // products of bf16
  bool probe = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The whole model: T5 without a bottleneck, the decoder reads the encoder's states.
class PlainT5 {
 public:
  explicit PlainT5(const ModelConfig& config) : config_(config), parameters_(rng_) {
    const Scope root(parameters_);
    shared_ = (root / "shared").table("weight", {config.vocab_size, config.d_model}, Init::constant(0.0));
    encoder_ = T5Stack(root / "encoder", config, /*is_decoder=*/false, config.encoder_layers);
    decoder_ = T5Stack(root / "decoder", config, /*is_decoder=*/true, config.decoder_layers);
    lm_head_ =
        config.tie_word_embeddings ? shared_ : (root / "lm_head").table("weight", shared_.sizes(), Init::constant(0.0));
  }
  Parameters& parameters() { return parameters_; }

  /// Mean cross-entropy of the tokens, in nats.
  Tensor loss(const TokenBatch& batch) {
    const ForwardContext context{/*training=*/true, &rng_};
    const Spans spans = spans_of(batch.groups);
    std::vector<int64_t> ids(batch.ids.begin(), batch.ids.end()), shifted(ids.size(), config_.decoder_start_token_id);
    for (const Span& span : spans)
      std::copy_n(ids.begin() + span.start, span.length - 1, shifted.begin() + span.start + 1);
    const Tensor targets = torch::tensor(ids, at::kLong);
    const Memory memory{encoder_.forward(at::embedding(shared_, targets), spans, spans, nullptr, context), spans, {}};
    const Tensor states =
        decoder_.forward(at::embedding(shared_, torch::tensor(shifted, at::kLong)), spans, spans, &memory, context);
    const double scale = config_.scale_logits ? 1.0 / std::sqrt(static_cast<double>(config_.d_model)) : 1.0;
    return linear_cross_entropy(states, lm_head_, targets, {}, scale).loss / static_cast<double>(batch.tokens());
  }

 private:
  ModelConfig config_;
  Rng rng_{42};
  Parameters parameters_;
  Tensor shared_, lm_head_;
  T5Stack encoder_, decoder_;
};

/// Consecutive runs of batch_size sequences.
std::vector<TokenBatch> load_batches(const Options& options) {
  const TensorMap data = load_safetensors(options.data);
  const int32_t* ids = data.at("ids").const_data_ptr<int32_t>();
  const Tensor& lengths = data.at("lengths");
  std::vector<TokenBatch> batches;
  std::vector<std::vector<int32_t>> sequences;
  for (int64_t i = 0; i < lengths.size(0) && static_cast<int64_t>(batches.size()) < options.steps; ++i) {
    const int64_t length = lengths[i].item<int64_t>();
    sequences.emplace_back(ids, ids + length);
    ids += length;
    if (static_cast<int64_t>(sequences.size()) < options.batch_size) continue;
    batches.push_back(make_token_batch(sequences));
    sequences.clear();
  }
  return batches;
}

void print(const nlohmann::ordered_json& line) {
  std::cout << line.dump() << std::endl;
}

void train(const Options& options) {
  HuggingFaceT5 start = load_huggingface_t5(options.model);
  ModelConfig config = model_config_from_huggingface(start.config);
  config.dropout = options.dropout;
  PlainT5 t5(config);
  t5.parameters().load(start.weights, options.model);
  start.weights.clear();

  TrainConfig train;
  train.optimizer = "adamw";
  train.learning_rate = options.learning_rate;
  const auto optimizer = make_optimizer(train, t5.parameters().list());
  int64_t step = 0;
  for (const TokenBatch& batch : load_batches(options)) {
    const auto begin = Clock::now();
    const Bf16Products rounded(options.bf16);
    const Tensor loss = t5.loss(batch);
    loss.backward();
    clip_gradients(t5.parameters().list(), options.clip_norm);
    optimizer->step(1.0);
    optimizer->zero_grad();
    print({{"step", step++},
           {"loss", loss.item<double>()},
           {"real_tokens", batch.tokens()},
           {"processed_tokens", batch.tokens()},
           {"seconds", seconds_since(begin)}});
  }
}

/// Billions of floating-point operations a second of a product of two 1024 x 1024 matrices, the best of many: by
/// libtorch's own choice and by the library's.
void probe() {
  constexpr int64_t kSize = 1024, kRepeats = 30;
  const Tensor a = at::randn({kSize, kSize}), b = at::randn({kSize, kSize});
  Tensor out = at::empty({kSize, kSize});
  const auto speed = [&](const auto& product) {
    double best = INFINITY;
    for (int64_t i = 0; i < kRepeats; ++i) {
      const auto begin = Clock::now();
      product();
      best = std::min(best, seconds_since(begin));
    }
    return 2e-9 * kSize * kSize * kSize / best;
  };
  print({{"libtorch", speed([&] { at::mm_out(out, a, b); })},
         {"ours", speed([&] { matrix_product_out(out, a, b, 0.0); })}});
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times training steps of a plain T5");
  app.add_option("--model", options.model, "Hugging Face directory");
  app.add_option("--data", options.data, "safetensors file: ids [N] int32, lengths [sequences] int64");
  app.add_option("--batch-size", options.batch_size);
  app.add_option("--steps", options.steps);
  app.add_option("--dropout", options.dropout);
  app.add_option("--learning-rate", options.learning_rate);
  app.add_option("--clip-norm", options.clip_norm);
  app.add_option("--threads", options.threads, "0 = all");
  app.add_flag("--bf16", options.bf16, "products of bf16, as train.precision=bf16 has them on the CPU");
  app.add_flag("--probe", options.probe, "print the speed of matrix products instead");
  CLI11_PARSE(app, argc, argv);
  if (options.threads > 0) at::set_num_threads(options.threads);
  options.probe ? probe() : train(options);
  return 0;
}

}  // namespace
}  // namespace tvae

int main(int argc, char** argv) {
  tvae::keep_freed_memory();  // as the program does
  try {
    return tvae::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_train_step: " << error.what() << "\n";
    return 1;
  }
}
