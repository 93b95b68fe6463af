// tvae decode: codes to texts.
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/latent/code_file.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, file = "-";
  bool escapes = false;
  DecodeOptions decode;
};

void decode(const Options& options, const CommonOptions& common) {
  const LatentSpace space = open_space(options.model, common);
  const DecodeOptions how = with_common(options.decode, common);
  const torch::Tensor codes = load_codes(options.file, space.latent_tokens(), space.latent_size());
  const bool escapes = with_escapes(options.escapes, options.model);
  for (const torch::Tensor& part : codes.split(kTextsAtOnce))
    for (const Decoded& output : space.decode(part, how)) print_output(output, escapes, common);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("FILE", options->file, "what tvae encode wrote; - = stdin")->capture_default_str();
  add_decode_flags(command, options->decode);
  add_escapes_flag(command, options->escapes);
  command.footer("A text a line. --json gives {text} a line, with \"valid\" where the data has a check.");
  add_examples(command, {R"(echo "x = 1" | tvae encode models/python_lines | tvae decode models/python_lines)",
                         "tvae decode models/python_lines codes.npy --json"});
  return [options, &common] { decode(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"decode", "codes to texts", set_up});

}  // namespace
}  // namespace tvae::apps
