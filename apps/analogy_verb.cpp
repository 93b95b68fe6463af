// tvae analogy: A is to B as C is to ?
#include <memory>

#include "apps/moved_text.h"
#include "apps/text_io.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, a, b, c;
  std::vector<double> strengths = {1.0};
  bool escapes = false, constrain = false;
};

void analogy(const Options& options, const CommonOptions& common) {
  const Model model = load_decoder(options.model, common, options.constrain);
  std::vector<std::string> texts;
  for (const std::string& text : {options.a, options.b, options.c})
    texts.push_back(given_text(text, "a text", options.escapes));
  const torch::Tensor codes = encode_and_warn(model, texts).mean;
  std::vector<nlohmann::ordered_json> fields;
  for (const double strength : options.strengths) fields.push_back({{"strength", strength}});
  TextPrinter printer(model, options.escapes, common.json);
  printer.print(decode_codes(model, moved_codes(codes[2], codes[1] - codes[0], options.strengths)), fields);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("A", options->a, "a text")->required();
  command.add_option("B", options->b, "what it became")->required();
  command.add_option("C", options->c, "another text, to change in the same way")->required();
  add_strength_flag(command, options->strengths, "how far");
  add_constrain_flag(command, options->constrain);
  command.add_flag("--escapes", options->escapes, "\\n, \\t and \\\\ stand for newline, tab and backslash");
  command.footer(
      "Decodes z(C) + strength (z(B) - z(A)), a line a strength; strength 0 is the reconstruction of C. --json gives\n"
      "{strength, text} a line, with \"valid\" where the data has a check. Texts that begin with - go after --.");
  return [options, &common] { analogy(*options, common); };
}

const RegisterVerb registered({"analogy", "A is to B as C is to ?", set_up});

}  // namespace
}  // namespace tvae::apps
