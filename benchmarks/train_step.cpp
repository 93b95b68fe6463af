// Training steps of a plain T5, each timed: one JSON line a step (benchmarks/README.md).
#include <ATen/Parallel.h>
#include <torch/cuda.h>

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
  bool bf16 = false;  // products of bf16; on a GPU the weights too
  std::string device = "cpu";
};

/// Mean cross-entropy of the tokens, in nats.
Tensor loss_of(const PlainT5& t5, const TokenBatch& batch, const ForwardContext& context) {
  const std::vector<int64_t> ids(batch.ids.begin(), batch.ids.end());
  std::vector<int64_t> shifted(ids.size(), t5.config().decoder_start_token_id);
  const Memory memory = t5.encode(batch, context);
  for (const Span& span : memory.spans)
    std::copy_n(ids.begin() + span.start, span.length - 1, shifted.begin() + span.start + 1);
  const auto on_device = [&](const std::vector<int64_t>& some) {
    return torch::tensor(some, at::kLong).to(t5.device());
  };
  const Tensor states = t5.decoder().forward(on_device(shifted), memory.spans, memory, context);
  const CrossEntropy found = t5.decoder().cross_entropy(states, on_device(ids));
  return found.loss / static_cast<double>(batch.tokens());
}

/// What the optimizer works on: a model's weights, or fp32 copies of those of a bf16 model, as TrainStep has them.
class Masters {
 public:
  Masters(Parameters& parameters, torch::Device device, bool bf16) : parameters_(parameters) {
    parameters.to(device, at::kFloat);
    list_ = parameters.list();
    if (!bf16) return;
    for (NamedParameter& master : list_) master.value = master.value.detach().clone().requires_grad_(true);
    parameters.to(device, at::kBFloat16);
    are_copies_ = true;
  }
  const std::vector<NamedParameter>& list() const { return list_; }

  void take_gradients() {
    for (size_t i = 0; are_copies_ && i < list_.size(); ++i) {
      Tensor& gradient = parameters_.list()[i].value.mutable_grad();
      list_[i].value.mutable_grad() = gradient.to(at::kFloat);
      gradient.reset();
    }
  }
  void give_weights() {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; are_copies_ && i < list_.size(); ++i) parameters_.list()[i].value.copy_(list_[i].value);
  }

 private:
  Parameters& parameters_;
  std::vector<NamedParameter> list_;
  bool are_copies_ = false;
};

void train(const Options& options) {
  HuggingFaceT5 start = load_huggingface_t5(options.model);
  ModelConfig config = model_config_from_huggingface(start.config);
  config.dropout = options.dropout;
  PlainT5 t5(config, join_scales(std::move(start.weights), options.model), options.model);

  TrainConfig train;
  train.optimizer = "adamw";
  train.learning_rate = options.learning_rate;
  const torch::Device device(options.device);
  Masters masters(t5.parameters(), device, options.bf16 && device.is_cuda());
  const auto optimizer = make_optimizer(train, masters.list());
  Rng rng(42);
  int64_t step = 0;
  for (const TokenBatch& batch : load_batches(options.data, options.batch_size, options.steps)) {
    const auto begin = Clock::now();
    const Bf16Products rounded(options.bf16 && device.is_cpu());
    const Tensor loss = loss_of(t5, batch, {/*training=*/true, &rng});
    loss.backward();
    masters.take_gradients();
    clip_gradients(masters.list(), options.clip_norm);
    optimizer->step(1.0);
    optimizer->zero_grad();
    masters.give_weights();
    if (device.is_cuda()) torch::cuda::synchronize();
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
  app.add_flag("--bf16", options.bf16, "as train.precision=bf16 has it: on the CPU products, on a GPU the model");
  app.add_option("--device", options.device, "cpu or cuda");
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
