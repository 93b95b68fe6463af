// tvae data demo | python-lines | mnist-text: makes data sets out of local files, or out of nothing.
#include <algorithm>
#include <memory>

#include "apps/verb.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/data/demo_data.h"
#include "tvae/data/mnist_text.h"
#include "tvae/data/python_lines.h"
#include "tvae/text/tokenizer.h"

namespace tvae::apps {
namespace {

using WriteLine = std::function<void(const std::string& line)>;

/// Writes a file of lines ("-" = stdout) and says how many.
void write_lines(const std::string& path, const CommonOptions& common,
                 const std::function<void(const WriteLine&)>& write) {
  int64_t count = 0;
  if (path == "-") return write([](const std::string& line) { print_line(line); });
  write_file_atomically(path, [&](const Sink& sink) {
    write([&](const std::string& line) {
      sink(line);
      sink("\n");
      ++count;
    });
  });
  if (common.json)
    print_json({{"out", path}, {"lines", count}});
  else
    print_line(path + ": " + std::to_string(count) + " lines");
}

void write_lines(const std::string& path, const CommonOptions& common, const std::vector<std::string>& lines) {
  write_lines(path, common, [&](const WriteLine& write) { std::for_each(lines.begin(), lines.end(), write); });
}

// ---- demo

struct DemoOptions {
  std::string out;
  int64_t lines = 20000;
};

void demo(const DemoOptions& options, const CommonOptions& common) {
  std::vector<std::string> train = make_demo_lines(options.lines, static_cast<uint64_t>(common.seed));
  const auto valid_begin = train.end() - options.lines / 20;  // as random as any others
  const std::vector<std::string> valid(valid_begin, train.end());
  train.erase(valid_begin, train.end());
  write_lines(options.out + "/train.txt", common, train);
  write_lines(options.out + "/valid.txt", common, valid);
}

RunVerb set_up_demo(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<DemoOptions>();
  command.add_option("--out", options->out, "folder to write train.txt and valid.txt to")->required();
  command.add_option("--lines", options->lines, "lines in all; one in twenty is held out")
      ->check(CLI::Range(int64_t{20}, int64_t{10000000}))
      ->capture_default_str();
  return [options, &common] { demo(*options, common); };
}

// ---- python-lines

struct PythonOptions {
  std::vector<std::string> paths;
  PythonLinesOptions gather;
  std::string out;
  std::string valid;
  double valid_fraction = 0.02;
};

void python_lines(const PythonOptions& options, const CommonOptions& common) {
  const auto python = make_validity_check("python");
  if (!python) throw ConfigError("python-lines needs a working python3", "none on PATH");
  const PythonLines gathered = gather_python_lines(options.paths, options.gather, *python);
  log_info("read " + std::to_string(gathered.files) + " files");
  if (gathered.not_utf8 > 0) log_warning("skipped " + std::to_string(gathered.not_utf8) + " lines of bad UTF-8");
  if (gathered.lines.empty()) throw DataError("no usable lines of Python", options.paths.front());
  if (options.valid.empty()) return write_lines(options.out, common, gathered.lines);
  std::vector<std::string> train, valid;
  for (const std::string& line : gathered.lines)
    (is_held_out(line, options.valid_fraction, static_cast<uint64_t>(common.seed)) ? valid : train).push_back(line);
  write_lines(options.out, common, train);
  write_lines(options.valid, common, valid);
}

RunVerb set_up_python_lines(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<PythonOptions>();
  command.add_option("PATH", options->paths, "Python files, and folders to search for *.py")->required();
  command.add_option("--out", options->out, "file to write; - is stdout")->required();
  command.add_option("--max-length", options->gather.max_length, "characters of the longest line")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--limit", options->gather.limit, "stop at so many lines; 0 = all")->check(CLI::NonNegativeNumber);
  command.add_option("--valid", options->valid, "also write held-out lines, to this file");
  command.add_option("--valid-fraction", options->valid_fraction, "share of the lines that --valid holds out")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  return [options, &common] { python_lines(*options, common); };
}

// ---- mnist-text

struct MnistOptions {
  std::string images, labels, valid_images, valid_labels, out;
  int size = 14;
  int64_t limit = 0;
  double valid_fraction = 0.02;
};

/// The factor by which images shrink to `size` rows.
int pool_of(const LabelledImages& digits, int size, const std::string& path) {
  const int side = digits.images.empty() ? 0 : digits.images[0].side;
  if (side < size || side / (side / size) != size)
    throw DataError(path + " cannot give images of " + std::to_string(size) + " rows",
                    std::to_string(digits.images.size()) + " images of " + std::to_string(side) + " x " +
                        std::to_string(side) + " pixels",
                    "MNIST's 28 x 28", "--size is one of 28, 14, 9 and 7");
  return side / size;
}

using DigitChoice = std::function<bool(size_t index)>;

/// Each chosen digit downwards and upwards, as the published data sets have it.
void write_digits(const std::string& path, const CommonOptions& common, const LabelledImages& digits, int pool,
                  const DigitChoice& chosen) {
  write_lines(path, common, [&](const WriteLine& write) {
    for (size_t i = 0; i < digits.images.size(); ++i)
      for (const bool up : {false, true})
        if (chosen(i))
          write(nlohmann::ordered_json{{"text", mnist_text(digits.images[i], pool, up)}, {"label", digits.labels[i]}}
                    .dump());
  });
}

Tokenizer mnist_text_tokenizer() {
  std::string characters;  // for texts that are no images; single bytes serve what is missing
  for (char character = ' '; character <= '~'; ++character) characters += character;
  TokenizerTraining training;
  training.kind = "char";
  training.pieces = mnist_text_pieces();
  return train_tokenizer({characters}, training);
}

void mnist(const MnistOptions& options, const CommonOptions& common) {
  LabelledImages digits = read_mnist(options.images, options.labels);
  const int pool = pool_of(digits, options.size, options.images);
  std::optional<LabelledImages> valid;
  if (!options.valid_images.empty()) valid = read_mnist(options.valid_images, options.valid_labels);
  if (valid) pool_of(*valid, options.size, options.valid_images);
  if (options.limit > 0 && static_cast<size_t>(options.limit) < digits.images.size()) {
    digits.images.resize(static_cast<size_t>(options.limit));
    digits.labels.resize(static_cast<size_t>(options.limit));
  }
  const auto held_out = [&](size_t i) {
    return !valid &&
           is_held_out("digit " + std::to_string(i), options.valid_fraction, static_cast<uint64_t>(common.seed));
  };
  write_digits(options.out + "/train.jsonl", common, digits, pool, [&](size_t i) { return !held_out(i); });
  if (valid)
    write_digits(options.out + "/valid.jsonl", common, *valid, pool, [](size_t) { return true; });
  else
    write_digits(options.out + "/valid.jsonl", common, digits, pool, held_out);
  mnist_text_tokenizer().save(options.out + "/tokenizer");
  log_info("train with --set data.tokenizer=" + options.out +
           "/tokenizer: " + std::to_string(options.size * (options.size + 1) + 1) + " ids an image");
}

RunVerb set_up_mnist_text(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<MnistOptions>();
  command.add_option("--images", options->images, "train-images-idx3-ubyte, plain or .gz")->required();
  command.add_option("--labels", options->labels, "train-labels-idx1-ubyte, plain or .gz")->required();
  CLI::Option* images = command.add_option("--valid-images", options->valid_images, "t10k-images-idx3-ubyte");
  CLI::Option* labels = command.add_option("--valid-labels", options->valid_labels, "t10k-labels-idx1-ubyte");
  images->needs(labels);
  labels->needs(images);
  command.add_option("--size", options->size, "rows of symbols: 28, 14 (small), 9 (tiny) or 7")
      ->check(CLI::IsMember({28, 14, 9, 7}))
      ->capture_default_str();
  command.add_option("--out", options->out, "folder for train.jsonl, valid.jsonl and tokenizer/")->required();
  command.add_option("--limit", options->limit, "use the first so many training images; 0 = all")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--valid-fraction", options->valid_fraction, "share of the digits held out, without --valid-images")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  return [options, &common] { mnist(*options, common); };
}

struct Choice {
  std::string name;
  std::string help;
  RunVerb (*set_up)(CLI::App& command, const CommonOptions& common);
};

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  const std::vector<Choice> choices = {
      {"demo", "random lines that look like Python, for a first try", set_up_demo},
      {"python-lines", "single lines of Python out of source files", set_up_python_lines},
      {"mnist-text", "MNIST's digits as text, with a tokenizer for it", set_up_mnist_text},
  };
  command.require_subcommand(1);
  std::vector<std::pair<CLI::App*, RunVerb>> runs;
  for (const Choice& choice : choices) {
    CLI::App* subcommand = command.add_subcommand(choice.name, choice.help);
    subcommand->fallthrough();  // --json and the like may come last
    runs.emplace_back(subcommand, choice.set_up(*subcommand, common));
  }
  return [runs] {
    for (const auto& [subcommand, run] : runs)
      if (subcommand->parsed()) run();
  };
}

const RegisterVerb registered({"data", "make a data set from local files, or a demonstration one", set_up});

}  // namespace
}  // namespace tvae::apps
