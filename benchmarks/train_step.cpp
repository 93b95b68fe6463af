// Training steps of a plain T5, each timed: one JSON line a step (benchmarks/README.md).
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>

#include "benchmarks/plain_t5.h"
#include "benchmarks/timing.h"
#include "tvae/base/memory.h"
#include "tvae/ops/linear.h"
#include "tvae/ops/torch.h"
#include "tvae/optim/gradients.h"
#include "tvae/optim/optimizer.h"
#include "tvae/run/quantized_weights.h"

namespace tvae {
namespace {

using torch::Tensor;

struct Options {
  std::string model;  // a Hugging Face directory
  std::string data;   // as load_batches reads it
  int64_t batch_size = 32;
  int64_t steps = 10;
  double dropout = 0.1;
  double learning_rate = 1e-4;
  double clip_norm = 1.0;
  int threads = 0;
  bool bf16 = false;  // products of bf16
};

/// Mean cross-entropy of the tokens, in nats.
Tensor loss_of(const PlainT5& t5, const TokenBatch& batch, const ForwardContext& context) {
  const std::vector<int64_t> ids(batch.ids.begin(), batch.ids.end());
  std::vector<int64_t> shifted(ids.size(), t5.config().decoder_start_token_id);
  const Memory memory = t5.encode(batch, context);
  for (const Span& span : memory.spans)
    std::copy_n(ids.begin() + span.start, span.length - 1, shifted.begin() + span.start + 1);
  const Tensor states = t5.decoder().forward(torch::tensor(shifted, at::kLong), memory.spans, memory, context);
  const CrossEntropy found = t5.decoder().cross_entropy(states, torch::tensor(ids, at::kLong));
  return found.loss / static_cast<double>(batch.tokens());
}

void train(const Options& options) {
  HuggingFaceT5 start = load_huggingface_t5(options.model);
  ModelConfig config = model_config_from_huggingface(start.config);
  config.dropout = options.dropout;
  PlainT5 t5(config, join_scales(std::move(start.weights), options.model), options.model);

  TrainConfig train;
  train.optimizer = "adamw";
  train.learning_rate = options.learning_rate;
  const auto optimizer = make_optimizer(train, t5.parameters().list());
  Rng rng(42);
  int64_t step = 0;
  for (const TokenBatch& batch : load_batches(options.data, options.batch_size, options.steps)) {
    const auto begin = Clock::now();
    const Bf16Products rounded(options.bf16);
    const Tensor loss = loss_of(t5, batch, {/*training=*/true, &rng});
    loss.backward();
    clip_gradients(t5.parameters().list(), options.clip_norm);
    optimizer->step(1.0);
    optimizer->zero_grad();
    print_json({{"step", step++},
                {"loss", loss.item<double>()},
                {"real_tokens", batch.tokens()},
                {"processed_tokens", batch.tokens()},
                {"seconds", seconds_since(begin)}});
  }
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times training steps of a plain T5");
  app.add_option("--model", options.model, "Hugging Face directory")->required();
  app.add_option("--data", options.data, "safetensors file: ids [N] int32, lengths [sequences] int64")->required();
  app.add_option("--batch-size", options.batch_size);
  app.add_option("--steps", options.steps);
  app.add_option("--dropout", options.dropout);
  app.add_option("--learning-rate", options.learning_rate);
  app.add_option("--clip-norm", options.clip_norm);
  app.add_option("--threads", options.threads, "0 = all");
  app.add_flag("--bf16", options.bf16, "products of bf16, as train.precision=bf16 has them on the CPU");
  CLI11_PARSE(app, argc, argv);
  if (options.threads > 0) at::set_num_threads(options.threads);
  train(options);
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
