// tvae reconstruct: text in, text out through the bottleneck.
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/eval/text_statistics.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, file = "-";
  ReadOptions read;
  DecodeOptions decode;
};

void print(const Reconstruction& made, nlohmann::ordered_json json) {
  const std::string& output = made.output.text;
  json.update({{"text", made.text},
               {"reconstruction", output},
               {"exact", made.exact},
               {"edit_distance", edit_distance(characters(made.text), characters(output))}});
  if (!made.output.searched) json["probability"] = made.output.probability;
  print_json(json);
}

void reconstruct(const Options& options, const CommonOptions& common) {
  const LatentSpace space = open_space(options.model, common);
  const bool escapes = with_escapes(options.read.escapes, options.model);
  const Rows rows = read_labelled_texts(options.file, options.read, options.model);
  DecodeOptions how = with_common(options.decode, common);
  how.judge = false;  // what counts is whether the text came back
  size_t row = 0;
  for (auto start = rows.texts.begin(); start != rows.texts.end();) {
    const auto end = rows.texts.end() - start > kTextsAtOnce ? start + kTextsAtOnce : rows.texts.end();
    for (const Reconstruction& made : space.reconstruct({start, end}, how)) {
      nlohmann::ordered_json whose = {{"row", rows.numbers[row]}};
      if (!rows.labels.empty()) whose["label"] = rows.labels[row];
      ++row;
      if (common.json)
        print(made, std::move(whose));
      else
        print_line(output_line(made.output.text, escapes));
    }
    start = end;
  }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("FILE", options->file, "texts; - = stdin")->capture_default_str();
  add_decode_flags(command, options->decode);
  add_read_flags(command, options->read);
  options->read.keep_empty = true;  // a row of output for each line of input
  command.footer(
      "--json gives {row, label (where rows have one), text, reconstruction, exact, edit_distance (characters), "
      "probability (of each token, the end of the text last)} a line. With --candidates the output is kept whose own "
      "code is nearest to the text's; one that was not the first has no probability.");
  add_examples(command, {"echo \"x = f(1)\" | tvae reconstruct models/python_lines",
                         "tvae reconstruct models/python_lines lines.txt --candidates 8 --json"});
  return [options, &common] { reconstruct(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"reconstruct", "texts to codes and back to texts", set_up});

}  // namespace
}  // namespace tvae::apps
