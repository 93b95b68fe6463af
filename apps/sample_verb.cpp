// tvae sample: new text from the prior, or around a text.
#include <memory>
#include <optional>

#include "apps/decoding.h"
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
  if (options.near) how.near = given_text(*options.near, "--near", options.escapes);
  how.decode = with_common(how.decode, common);
  how.decode.sample = drawn_tokens;
  open_space(options.model, common).sample(how, [&](const std::vector<Decoded>& outputs) {
    for (const Decoded& output : outputs) print_output(output, options.escapes, common);
  });
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  SampleOptions& how = options->sample;
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("-n,--count", how.count, "texts")
      ->check(CLI::Range(int64_t{1}, int64_t{100000000}))
      ->capture_default_str();
  CLI::Option* prior = command.add_option("--prior", how.prior, "default fitted where there is one (tvae prior fit)")
                           ->check(CLI::IsMember({"fitted", "normal"}));
  CLI::Option* scale =
      add_prior_scale_flag(command, how.prior_scale, "multiplies the prior's deviations; below 1: more typical texts");
  CLI::Option* near =
      command.add_option("--near", options->near, "draw around this text instead")->excludes(prior)->excludes(scale);
  command
      .add_option("--radius", how.radius,
                  "distance from --near, in posterior standard deviations (1 where there are none)")
      ->check(number_in(0, 1e6))
      ->needs(near)
      ->capture_default_str();
  CLI::Option* temperature =
      command.add_option("--temperature", how.decode.temperature, "draw tokens at this temperature")
          ->check(number_in(1e-3, 1e3));
  CLI::Option* top_k =
      command.add_option("--top-k", how.decode.top_k, "draw tokens from the k likeliest")->check(number_in(1, 1e9));
  CLI::Option* top_p =
      command.add_option("--top-p", how.decode.top_p, "draw tokens from the likeliest that hold this probability")
          ->check(number_in(1e-9, 1));
  CLI::Option* candidates = add_decode_flags(command, how.decode);
  for (CLI::Option* drawn : {temperature, top_k, top_p}) candidates->excludes(drawn);
  add_escapes_flag(command, options->escapes);
  command.footer("Codes are drawn; tokens are the likeliest unless --temperature, --top-k or --top-p is given.");
  return [=, &common] { sample(*options, common, *temperature || *top_k || *top_p); };
}

const Register<SetUpVerb> registered(verbs(), {"sample", "new text from the prior, or around a text", set_up});

}  // namespace
}  // namespace tvae::apps
