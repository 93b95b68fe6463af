// Pieces of work of a fixed size on one thread, whose instructions benchmarks/instructions.py counts.
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "benchmarks/timing.h"
#include "tvae/base/threads.h"
#include "tvae/config/presets.h"
#include "tvae/data/reader.h"
#include "tvae/latent/space.h"
#include "tvae/ops/torch.h"
#include "tvae/train/train_step.h"

/// What Callgrind counts, found by its name: without the name mangling of C++, and never inlined.
extern "C" __attribute__((noinline)) void counted_work(const std::function<void()>& work) {
  work();
}

namespace tvae {
namespace {

/// Once before, so that what is made at the first use is there, and once counted.
void count(const std::function<void()>& work) {
  work();
  counted_work(work);
}

/// The first texts of the corpus beside the model.
std::vector<std::string> texts_beside(const std::string& model, size_t number) {
  std::vector<std::string> texts = read_rows(model + "/corpus.jsonl").texts;
  texts.resize(number);
  return texts;
}

/// tvae encode, 8 texts.
void encode(const std::string& model) {
  const LatentSpace space = LatentSpace::open(model);
  const std::vector<std::string> texts = texts_beside(model, 8);
  count([&] { space.encode(texts); });
}

/// tvae decode, 2 codes.
void decode(const std::string& model) {
  const LatentSpace space = LatentSpace::open(model);
  const torch::Tensor codes = space.encode(texts_beside(model, 2)).mean;
  count([&] { space.decode(codes); });
}

/// A step of tvae train with the preset that made the model, 2 texts. Not with its optimizer, Muon, whose matrix
/// products alone would take Valgrind ten minutes.
void train(const std::string& directory) {
  Model model = load_model(directory);
  const RunConfig defaults;
  const ResolvedConfig resolved =
      resolve_config({"lines_small"}, {"train.optimizer=adamw", "train.learning_rate=1e-4"}, defaults);
  TrainStep step(model.vae, resolved.config);
  std::vector<std::vector<int32_t>> sequences;
  for (const std::string& text : texts_beside(directory, 2)) sequences.push_back(model_ids(model, text));
  const TokenBatch batch = make_token_batch(sequences);
  Rng rng(42);
  TrainingPosition position{0, 1000};
  count([&] {
    step.accumulate(batch, {batch.tokens(), 1}, position, rng);
    step.apply(position);
    ++position.step;
  });
}

int run(int argc, char** argv) {
  std::string work, model;
  CLI::App app("Does one piece of work of a fixed size on one thread");
  app.add_option("WORK", work)->required()->check(CLI::IsMember({"train", "decode", "encode"}));
  app.add_option("MODEL", model, "model directory with a corpus.jsonl")->required();
  CLI11_PARSE(app, argc, argv);
  at::set_num_threads(1);
  set_max_threads(1);
  if (work == "train")
    train(model);
  else if (work == "decode")
    decode(model);
  else
    encode(model);
  print_json({{"compiler", __VERSION__}, {"libtorch", TORCH_VERSION}});
  return 0;
}

}  // namespace
}  // namespace tvae

int main(int argc, char** argv) {
  try {
    return tvae::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_fixed_work: " << error.what() << "\n";
    return 1;
  }
}
