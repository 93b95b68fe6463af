// tvae sample: new text from the prior, or around a text.
#include <memory>
#include <optional>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> near;
  bool escapes = false;
  SampleOptions sample;
};

void sample(const Options& options, const CommonOptions& common, bool drawn_tokens) {
  SampleOptions how = options.sample;
  const bool escapes = with_escapes(options.escapes, options.model);
  if (options.near) how.near = given_text(*options.near, "--near", escapes);
  how.decode = with_common(how.decode, common);
  how.decode.sample = drawn_tokens;
  open_space(options.model, common).sample(how, [&](const std::vector<Decoded>& outputs) {
    for (const Decoded& output : outputs) print_output(output, escapes, common);
  });
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  SampleOptions& how = options->sample;
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("-n,--count", how.count, "how many texts")->check(in_range(1, 1e8))->capture_default_str();
  CLI::Option* prior = command
                           .add_option("--prior", how.prior,
                                       "what codes are drawn from: the prior fitted by tvae "
                                       "prior fit (default where there is one), or N(0, I)")
                           ->check(one_of({"fitted", "normal"}));
  CLI::Option* scale = add_prior_scale_flag(
      command, how.prior_scale, "below 1: more typical texts, less varied; multiplies the prior's deviations");
  CLI::Option* near =
      command.add_option("--near", options->near, "draw around this text instead")->excludes(prior)->excludes(scale);
  command
      .add_option("--radius", how.radius,
                  "how far from --near: 1 = as far as the encoder's own noise (where it has none, a distance of 1)")
      ->check(in_range(0, 1e6))
      ->needs(near)
      ->capture_default_str();
  CLI::Option* temperature =
      command
          .add_option("--temperature", how.decode.temperature,
                      "draw tokens instead of taking the likeliest: 1 = as the model says, below 1 more cautiously")
          ->check(in_range(1e-3, 1e3));
  CLI::Option* top_k =
      command.add_option("--top-k", how.decode.top_k, "draw tokens from the N likeliest")->check(in_range(1));
  CLI::Option* top_p =
      command
          .add_option("--top-p", how.decode.top_p, "draw tokens from the likeliest that have this probability together")
          ->check(in_range(1e-9, 1));
  CLI::Option* candidates = add_decode_flags(command, how.decode);
  for (CLI::Option* drawn : {temperature, top_k, top_p}) candidates->excludes(drawn);
  add_escapes_flag(command, options->escapes);
  command.footer("Codes are drawn; tokens are the likeliest unless --temperature, --top-k or --top-p is given.");
  add_examples(command, {"tvae sample models/python_lines -n 5",
                         "tvae sample models/python_lines --near \"x = f(1)\" --radius 2"});
  return [=, &common] { sample(*options, common, *temperature || *top_k || *top_p); };
}

const Register<SetUpVerb> registered(verbs(), {"sample", "new text from the prior, or around a text", set_up});

}  // namespace
}  // namespace tvae::apps
