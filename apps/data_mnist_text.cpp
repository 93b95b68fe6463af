// tvae data mnist-text: digits as text, as in the data sets mnist-text of Transformer-VAE (2021).
#include <memory>

#include "apps/data_verb.h"
#include "apps/output_file.h"
#include "tvae/base/log.h"
#include "tvae/corpus/mnist_text.h"
#include "tvae/data/split.h"

namespace tvae::apps {
namespace {

struct MnistOptions {
  std::string images, labels, valid_images, valid_labels, out;
  int size = 14;
  int64_t limit = 0;
  double valid_fraction = 0.02;
};

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

void mnist(const MnistOptions& options, const CommonOptions& common) {
  LabelledImages digits = read_mnist(options.images, options.labels);
  const int pool = mnist_text_pool(digits, options.size, options.images);
  std::optional<LabelledImages> valid;
  if (!options.valid_images.empty()) valid = read_mnist(options.valid_images, options.valid_labels);
  if (valid) mnist_text_pool(*valid, options.size, options.valid_images);
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
  const std::string tokenizer = options.out + "/tokenizer";
  write_tokenizer(mnist_text_tokenizer(), tokenizer);
  log_info("train with --set data.tokenizer=" + tokenizer + ": " +
           std::to_string(options.size * (options.size + 1) + 1) + " ids an image");
}

RunVerb set_up_mnist_text(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<MnistOptions>();
  command.add_option("--images", options->images, "train-images-idx3-ubyte, plain or .gz")
      ->type_name("FILE")
      ->required();
  command.add_option("--labels", options->labels, "train-labels-idx1-ubyte, plain or .gz")
      ->type_name("FILE")
      ->required();
  CLI::Option* images = command
                            .add_option("--valid-images", options->valid_images,
                                        "t10k-images-idx3-ubyte: what is held out; default: some of the others")
                            ->type_name("FILE");
  CLI::Option* labels =
      command.add_option("--valid-labels", options->valid_labels, "t10k-labels-idx1-ubyte")->type_name("FILE");
  images->needs(labels);
  labels->needs(images);
  command.add_option("--size", options->size, "rows of symbols an image: 14 as in mnist_small, 9 as in mnist_tiny")
      ->check(one_of({"28", "14", "9", "7"}))
      ->capture_default_str();
  command.add_option("--out", options->out, "folder for train.jsonl, valid.jsonl and tokenizer/")
      ->type_name("DIR")
      ->required();
  command.add_option("--limit", options->limit, "use the first so many training images; 0 = all")
      ->check(in_range(0))
      ->capture_default_str();
  command
      .add_option("--valid-fraction", options->valid_fraction, "share of the digits held out, without --valid-images")
      ->check(in_range(0, 1))
      ->capture_default_str();
  add_examples(command,
               {"tvae data mnist-text --images train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz "
                "--out runs/mnist",
                "tvae data mnist-text --images train-images-idx3-ubyte --labels train-labels-idx1-ubyte --size 9 "
                "--limit 1000 --out runs/tiny"});
  return [options, &common] { mnist(*options, common); };
}

const Register<SetUpVerb> registered(data_makers(), {"mnist-text", "MNIST's digits as text, with a tokenizer for it",
                                                     set_up_mnist_text});

}  // namespace
}  // namespace tvae::apps
