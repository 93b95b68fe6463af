// The ids of a file of lines, as a run makes them at its first start: one JSON line (benchmarks/README.md).
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "tvae/base/threads.h"
#include "tvae/data/reader.h"
#include "tvae/data/token_cache.h"

namespace tvae {
namespace {

struct Options {
  std::string tokenizer;  // a folder, or a .model file
  std::string data;       // a text file, one sequence a line
  size_t threads = 0;
  bool add_tokens = false;
};

void run(const Options& options) {
  set_max_threads(options.threads);
  const std::vector<std::string> texts = read_rows(options.data).texts;
  Tokenizer tokenizer = Tokenizer::load(options.tokenizer);
  if (options.add_tokens) tokenizer.add_tokens(tokenizer.unwritable_characters(texts));
  const auto start = std::chrono::steady_clock::now();
  const TokenDataset dataset = TokenDataset::from_texts(texts, tokenizer, {.max_tokens = INT32_MAX});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << "{\"lines\": " << texts.size() << ", \"tokens\": " << dataset.tokens() - dataset.size()
            << ", \"seconds\": " << seconds << "}\n";
}

}  // namespace
}  // namespace tvae

int main(int argc, char** argv) {
  CLI::App app("Times the ids of a file of lines.");
  tvae::Options options;
  app.add_option("--tokenizer", options.tokenizer)->required();
  app.add_option("--data", options.data)->required();
  app.add_option("--threads", options.threads, "0 = all");
  app.add_flag("--add-tokens", options.add_tokens, "characters that the model cannot write become tokens, as in a run");
  CLI11_PARSE(app, argc, argv);
  try {
    tvae::run(options);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
