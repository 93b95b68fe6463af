// tvae decode: codes to texts.
#include <memory>

#include "apps/text_io.h"
#include "tvae/latent/code_file.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, file = "-";
  bool escapes = false, constrain = false;
};

void decode(const Options& options, const CommonOptions& common) {
  const Model model = load_decoder(options.model, common, options.constrain);
  const ModelConfig& config = model.vae.config();
  const torch::Tensor codes = load_codes(options.file, config.latent_tokens, config.latent_size);
  for (const torch::Tensor& part : codes.split(kTextsAtOnce))
    for (const std::string& text : decode_codes(model, part)) {
      if (common.json)
        print_json({{"text", text}});
      else
        print_line(output_line(text, options.escapes));
    }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("FILE", options->file, "what tvae encode wrote; - = stdin")->capture_default_str();
  add_constrain_flag(command, options->constrain);
  command.add_flag("--escapes", options->escapes, "write newline, tab and backslash as \\n, \\t and \\\\");
  return [options, &common] { decode(*options, common); };
}

const RegisterVerb registered({"decode", "codes to texts", set_up});

}  // namespace
}  // namespace tvae::apps
