// Greedy outputs of a plain T5 of a fixed length, each batch timed: one JSON line a batch (benchmarks/README.md).
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <numeric>

#include "benchmarks/plain_t5.h"
#include "benchmarks/timing.h"
#include "tvae/ops/likeliest.h"
#include "tvae/ops/side_by_side.h"
#include "tvae/ops/torch.h"
#include "tvae/run/quantized_weights.h"

namespace tvae {
namespace {

using torch::Tensor;

struct Options {
  std::string model;  // a Hugging Face directory
  std::string data;   // as load_batches reads it
  int64_t batch_size = 32;
  int64_t batches = 1;  // timed
  int64_t warmup = 1;   // batches before them
  int64_t new_tokens = 32;
  bool int8 = false;
  bool bf16 = false;
  int threads = 0;
  std::string device = "cpu";
};

using Sequences = std::vector<std::vector<int32_t>>;

/// Of each sequence the ids: encodes them all, then takes the likeliest token `new_tokens` times, never the end of
/// sequence.
std::vector<std::vector<int64_t>> greedy(const PlainT5& t5, const Sequences& sequences, int64_t new_tokens) {
  const TokenBatch batch = make_token_batch(sequences);
  const Memory memory = t5.encode(batch, {});
  const auto cache = t5.decoder().make_cache(memory, new_tokens);
  std::vector<int64_t> rows(batch.sequences()), last(batch.sequences(), t5.config().decoder_start_token_id);
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<std::vector<int64_t>> outputs(batch.sequences());
  for (int64_t position = 0; position < new_tokens; ++position) {
    const std::vector<int64_t> positions(rows.size(), position);
    const Tensor logits = t5.decoder().logits(t5.decoder().step(last, rows, positions, *cache));
    logits.select(1, t5.config().eos_token_id).fill_(-INFINITY);
    const Tensor ids = likeliest(logits.to(at::kFloat)).ids.to(at::kCPU);
    for (size_t i = 0; i < rows.size(); ++i) {
      last[i] = ids.const_data_ptr<int64_t>()[i];
      outputs[batch.rows[i]].push_back(last[i]);
    }
  }
  return outputs;
}

/// The same as generate() does it: many rows are shared by the threads.
std::vector<std::vector<int64_t>> greedy_in_parts(const PlainT5& t5, const Sequences& sequences, int64_t new_tokens) {
  constexpr auto kRows = static_cast<size_t>(kRowsOfAPart);
  const auto threads = static_cast<size_t>(parts_at_once());
  const size_t parts = t5.device().is_cpu() && sequences.size() >= kRows * threads ? threads : 1;
  std::vector<std::vector<int64_t>> outputs(sequences.size());
  side_by_side(static_cast<int64_t>(parts), Progress::none(), [&](int64_t part, Progress&) {
    Sequences own;
    for (auto i = static_cast<size_t>(part); i < sequences.size(); i += parts) own.push_back(sequences[i]);
    std::vector<std::vector<int64_t>> found = greedy(t5, own, new_tokens);
    for (size_t i = 0; i < found.size(); ++i) outputs[static_cast<size_t>(part) + i * parts] = std::move(found[i]);
  });
  return outputs;
}

void decode(const Options& options) {
  const torch::NoGradGuard no_grad;
  HuggingFaceT5 start = load_huggingface_t5(options.model);
  if (options.int8) start.weights = quantize_int8(start.weights);
  PlainT5 t5(model_config_from_huggingface(start.config), join_scales(std::move(start.weights), options.model),
             options.model);
  if (options.bf16 || options.device != "cpu")
    t5.parameters().to(torch::Device(options.device), options.bf16 ? at::kBFloat16 : at::kFloat);
  int64_t index = 0;
  for (const Sequences& sequences :
       load_sequences(options.data, options.batch_size, options.warmup + options.batches)) {
    const auto begin = Clock::now();
    const std::vector<std::vector<int64_t>> ids = greedy_in_parts(t5, sequences, options.new_tokens);
    const double seconds = seconds_since(begin);
    if (index++ < options.warmup) continue;
    print_json({{"seconds", seconds}, {"ids", ids}});
  }
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times greedy decoding by a plain T5");
  app.add_option("--model", options.model, "Hugging Face directory")->required();
  app.add_option("--data", options.data, "safetensors file: ids [N] int32, lengths [sequences] int64")->required();
  app.add_option("--batch-size", options.batch_size);
  app.add_option("--batches", options.batches, "timed ones");
  app.add_option("--warmup", options.warmup, "batches before them");
  app.add_option("--new-tokens", options.new_tokens, "of every output");
  app.add_flag("--int8", options.int8, "matrices as 8-bit integers");
  app.add_flag("--bf16", options.bf16, "the model in bf16");
  app.add_option("--threads", options.threads, "0 = all");
  app.add_option("--device", options.device, "cpu or cuda");
  CLI11_PARSE(app, argc, argv);
  if (options.threads > 0) at::set_num_threads(options.threads);
  decode(options);
  return 0;
}

}  // namespace
}  // namespace tvae

int main(int argc, char** argv) {
  try {
    return tvae::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_decode: " << error.what() << "\n";
    return 1;
  }
}
