// tvae reconstruct: text in, text out through the bottleneck.
#include <memory>

#include "apps/text_io.h"
#include "tvae/eval/text_statistics.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, file = "-";
  bool constrain = false;
  ReadOptions read;
};

void reconstruct(const Options& options, const CommonOptions& common) {
  const Model model = load_decoder(options.model, common, options.constrain);
  const Rows rows = read_texts(options.file, options.read);
  const EncodedTexts encoded = encode_and_warn(model, rows.texts);
  for (size_t start = 0; start < rows.texts.size(); start += kTextsAtOnce) {
    const auto count = static_cast<int64_t>(std::min(kTextsAtOnce, rows.texts.size() - start));
    const auto outputs = generate_from(model, encoded.mean.narrow(0, static_cast<int64_t>(start), count));
    const std::vector<std::string> texts = texts_of(model, outputs);
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string& text = rows.texts[start + i];
      if (common.json)
        print_json({{"text", text},
                    {"reconstruction", texts[i]},
                    {"exact", texts[i] == text},
                    {"edit_distance", edit_distance(characters(text), characters(texts[i]))},
                    {"probability", outputs[i].probability}});
      else
        print_line(output_line(texts[i], options.read.escapes));
    }
  }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("FILE", options->file, "texts; - = stdin, a line each")->capture_default_str();
  add_constrain_flag(command, options->constrain);
  add_read_flags(command, options->read);
  options->read.keep_empty = true;  // a row of output for each line of input
  command.footer(
      "--json gives {text, reconstruction, exact, edit_distance (characters), probability (of each token, the "
      "end\n"
      "of sequence last)} a line.");
  return [options, &common] { reconstruct(*options, common); };
}

const RegisterVerb registered({"reconstruct", "text in, text out through the bottleneck", set_up});

}  // namespace
}  // namespace tvae::apps
