// tvae analogy: A is to B as C is to ?
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, a, b, c;
  std::vector<double> strengths = {1.0};
  bool escapes = false;
  DecodeOptions decode;
};

void analogy(const Options& options, const CommonOptions& common) {
  const bool escapes = with_escapes(options.escapes, options.model);
  const auto text = [&](const std::string& raw) { return given_text(raw, "a text", escapes); };
  const std::string a = text(options.a), b = text(options.b), c = text(options.c);
  const LatentSpace space = open_space(options.model, common);
  const auto outputs = space.analogy(a, b, c, options.strengths, with_common(options.decode, common));
  for (size_t i = 0; i < outputs.size(); ++i)
    print_output(outputs[i], escapes, common, {{"strength", options.strengths[i]}});
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("A", options->a, "a text")->required();
  command.add_option("B", options->b, "what it became")->required();
  command.add_option("C", options->c, "another text, to change in the same way")->required();
  add_strength_flag(command, options->strengths, "how far: 1 = as far as from A to B");
  add_decode_flags(command, options->decode);
  add_escapes_flag(command, options->escapes);
  command.footer(
      "The code of C, moved as the code of A is to that of B, as text: a line a strength; strength 0 is the "
      "reconstruction of C. --json gives "
      "{strength, text} a line, with \"valid\" where the data has a check. Texts that begin with - go after --.");
  add_examples(command, {"tvae analogy models/python_lines \"x = 1\" \"x = [1]\" \"y = f(2)\"",
                         "tvae analogy models/python_lines \"a\" \"a()\" \"b\" --strength 0.5,1"});
  return [options, &common] { analogy(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"analogy", "the text that is to C as B is to A", set_up});

}  // namespace
}  // namespace tvae::apps
