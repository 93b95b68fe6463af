// tvae sample: new text from the prior, or around a text.
#include <cmath>
#include <memory>
#include <optional>

#include "apps/moved_text.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/latent/prior.h"
#include "tvae/validity/validity.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, prior;
  std::optional<std::string> near;
  int64_t count = 20;
  double radius = 1.0, prior_scale = 1.0;
  bool escapes = false, constrain = false;
  GenerationOptions generation;
  SearchOptions search;
};

/// μ + radius σ ε around a text; σ is 1 for deterministic codes.
torch::Tensor codes_near(const Model& model, const Options& options, Rng& rng) {
  const EncodedTexts encoded = encode_and_warn(model, {given_text(*options.near, "--near", options.escapes)});
  const torch::Tensor noise =
      at::randn({options.count, encoded.mean.size(1), encoded.mean.size(2)}, rng.generator(), at::kFloat);
  const torch::Tensor unit = encoded.log_variance ? (0.5 * *encoded.log_variance).exp() : at::ones_like(encoded.mean);
  return encoded.mean + options.radius * unit * noise;
}

torch::Tensor codes_of_prior(const Model& model, const Options& options, Rng& rng) {
  std::unique_ptr<Prior> prior;
  if (options.prior != "normal") {
    if (auto saved = load_prior(model))
      prior = std::move(saved->prior);
    else if (options.prior == "fitted")
      throw CheckpointError(model.directory + " has no fitted prior", "", "",
                            "make one: tvae prior fit " + model.directory);
    else
      log_info("no fitted prior: drawing from N(0, I) (tvae prior fit " + model.directory + " makes one)");
  }
  const ModelConfig& config = model.vae.config();
  if (!prior) prior = make_normal_prior(config.latent_tokens, config.latent_size);
  return prior->sample(options.count, rng, options.prior_scale);
}

void sample(const Options& options, const CommonOptions& common, bool sampled_decoding) {
  if (!options.prior.empty() && options.prior != "fitted" && options.prior != "normal")
    throw ConfigError("--prior", "\"" + options.prior + "\"", "fitted or normal");
  const Model model = load_decoder(options.model, common, options.constrain);
  Rng rng(static_cast<uint64_t>(common.seed));
  const torch::Tensor codes = options.near ? codes_near(model, options, rng) : codes_of_prior(model, options, rng);
  const std::shared_ptr<ValidityCheck> check =
      common.json || options.search.candidates > 1 ? make_validity_check(model.check) : nullptr;
  TextPrinter printer(check, options.escapes, common.json);
  GenerationOptions generation = options.generation;
  generation.sample = sampled_decoding;
  for (const torch::Tensor& part : codes.split(kTextsAtOnce)) {
    generation.seed = rng.next_key();
    SearchOptions search = options.search;
    search.seed = generation.seed;
    printer.print(search_outputs(model, part, decode_codes(model, part, generation), check.get(), search));
  }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("-n,--count", options->count, "texts")
      ->check(CLI::Range(int64_t{1}, int64_t{100000000}))
      ->capture_default_str();
  CLI::Option* prior =
      command.add_option("--prior", options->prior, "fitted or normal; default fitted where there is one");
  CLI::Option* scale = add_prior_scale_flag(command, options->prior_scale,
                                            "multiplies the prior's deviations; below 1: more typical texts");
  CLI::Option* near =
      command.add_option("--near", options->near, "draw around this text instead")->excludes(prior)->excludes(scale);
  command
      .add_option("--radius", options->radius,
                  "distance from --near, in posterior standard deviations (1 where there are none)")
      ->check(number_in(0, 1e6))
      ->needs(near)
      ->capture_default_str();
  CLI::Option* temperature =
      command.add_option("--temperature", options->generation.temperature, "draw tokens at this temperature")
          ->check(number_in(1e-3, 1e3));
  CLI::Option* top_k = command.add_option("--top-k", options->generation.top_k, "draw tokens from the k likeliest")
                           ->check(number_in(1, 1e9));
  CLI::Option* top_p =
      command
          .add_option("--top-p", options->generation.top_p, "draw tokens from the likeliest that hold this probability")
          ->check(number_in(1e-9, 1));
  CLI::Option* candidates = add_search_flags(command, options->search);
  for (CLI::Option* drawn : {temperature, top_k, top_p}) candidates->excludes(drawn);
  add_constrain_flag(command, options->constrain);
  command.add_flag("--escapes", options->escapes, "\\n, \\t and \\\\ stand for newline, tab and backslash");
  command.footer("Codes are drawn; tokens are the likeliest unless --temperature, --top-k or --top-p is given.");
  return [=, &common] { sample(*options, common, *temperature || *top_k || *top_p); };
}

const RegisterVerb registered({"sample", "new text from the prior, or around a text", set_up});

}  // namespace
}  // namespace tvae::apps
