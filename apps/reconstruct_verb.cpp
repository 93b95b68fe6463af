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
  SearchOptions search;
};

void reconstruct(const Options& options, const CommonOptions& common) {
  const Model model = load_decoder(options.model, common, options.constrain);
  const Rows rows = read_texts(options.file, options.read);
  SearchOptions search = options.search;
  search.seed = static_cast<uint64_t>(common.seed);
  const EncodedTexts encoded = encode_and_warn(model, rows.texts);
  for (size_t start = 0; start < rows.texts.size(); start += kTextsAtOnce) {
    const auto count = static_cast<int64_t>(std::min(kTextsAtOnce, rows.texts.size() - start));
    const torch::Tensor codes = encoded.mean.narrow(0, static_cast<int64_t>(start), count);
    const auto outputs = generate_from(model, codes);
    const std::vector<std::string> plain = texts_of(model, outputs);
    const std::vector<std::string> texts = search_reconstructions(model, codes, plain, search);
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string& text = rows.texts[start + i];
      if (!common.json) {
        print_line(output_line(texts[i], options.read.escapes));
        continue;
      }
      nlohmann::ordered_json json = {{"text", text},
                                     {"reconstruction", texts[i]},
                                     {"exact", texts[i] == text},
                                     {"edit_distance", edit_distance(characters(text), characters(texts[i]))}};
      if (texts[i] == plain[i]) json["probability"] = outputs[i].probability;
      print_json(json);
    }
  }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("FILE", options->file, "texts; - = stdin, a line each")->capture_default_str();
  add_search_flags(command, options->search);
  add_constrain_flag(command, options->constrain);
  add_read_flags(command, options->read);
  options->read.keep_empty = true;  // a row of output for each line of input
  command.footer(
      "--json gives {text, reconstruction, exact, edit_distance (characters), probability (of each token, the end of\n"
      "sequence last)} a line. With --candidates the output is kept whose own code is nearest to the text's; one that\n"
      "was not the first has no probability.");
  return [options, &common] { reconstruct(*options, common); };
}

const RegisterVerb registered({"reconstruct", "text in, text out through the bottleneck", set_up});

}  // namespace
}  // namespace tvae::apps
