// tvae prior fit: the distribution that sample draws from.
#include <memory>

#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/eval/held_out.h"
#include "tvae/latent/linear_property.h"
#include "tvae/latent/prior.h"
#include "tvae/latent/shrunk_gaussian.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, data, kind = "gaussian", fit_on = "means";
  int64_t samples = 20000;
  PriorFitOptions fit;
  ReadOptions read;
};

std::vector<std::string> texts_to_fit(const Options& options, Rng& rng) {
  const RecordedData recorded = options.data.empty() ? recorded_data(options.model) : RecordedData{};
  const std::string path = options.data.empty() ? recorded.train.path : options.data;
  if (path.empty())
    throw ConfigError("prior fit needs --data", "", "a file of texts like those the model was trained on");
  if (options.data.empty() && !file_exists(path))
    throw ConfigError("the training file " + path + " of the model's run.json is not there", "", "",
                      "give texts with --data");
  std::vector<std::string> texts = read_texts(path, options.data.empty() ? recorded.read : options.read).texts;
  if (options.samples == 0 || static_cast<int64_t>(texts.size()) <= options.samples) return texts;
  const torch::Tensor order = at::randperm(static_cast<int64_t>(texts.size()), rng.generator(), at::kLong);
  std::vector<std::string> drawn;
  for (int64_t i = 0; i < options.samples; ++i) drawn.push_back(std::move(texts[order[i].item<int64_t>()]));
  return drawn;
}

void fit(const Options& options, const CommonOptions& common) {
  const PriorKind& kind = find_prior_kind(options.kind);
  const Model model = load_model(options.model, parse_device(common.device));
  Rng rng(static_cast<uint64_t>(common.seed));
  const EncodedTexts encoded = encode_and_warn(model, texts_to_fit(options, rng));
  require_enough_codes(encoded.mean);
  measure_codes(encoded.mean);  // refuses a model that has collapsed
  torch::Tensor codes = encoded.mean;
  if (options.fit_on == "samples") {
    if (!encoded.log_variance)
      throw ConfigError("--fit-on samples", "a model with a deterministic code", "--fit-on means");
    codes = codes + (0.5 * *encoded.log_variance).exp() * at::randn(codes.sizes(), rng.generator(), at::kFloat);
  }
  PriorFitOptions how = options.fit;
  how.seed = static_cast<uint64_t>(common.seed);
  PriorFit fitted = kind.fit(codes, how);
  const auto normal = make_normal_prior(codes.size(1), codes.size(2));
  fitted.facts["normal_log_density"] = normal->log_density(codes).mean().item<double>();
  fitted.facts["fit_on"] = options.fit_on;
  save_prior(model, options.kind, fitted);
  if (common.json) return print_json(fitted.facts);
  for (const auto& [key, value] : fitted.facts.items())
    print_line(key + " = " + (value.is_string() ? value.get<std::string>() : value.dump()));
}

std::string kind_names() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : prior_registry()) names.push_back(name + " (" + kind.help + ")");
  return join(names, ", ");
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.require_subcommand(1);
  CLI::App* fit_command =
      command.add_subcommand("fit", "fit it to the codes of texts; written to MODEL/latent")->fallthrough();
  fit_command->add_option("MODEL", options->model, "model directory")->required();
  fit_command->add_option("--data", options->data, "texts; default: the training file in the model's run.json");
  fit_command->add_option("--kind", options->kind, kind_names())->capture_default_str();
  fit_command->add_option("--components", options->fit.components, "of a gmm; 0 = chosen on held-out codes")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  fit_command->add_option("--fit-on", options->fit_on, "posterior means, or samples of the posteriors")
      ->check(CLI::IsMember({"means", "samples"}))
      ->capture_default_str();
  fit_command->add_option("--samples", options->samples, "texts used, drawn at random; 0 = all")
      ->check(number_in(0, 1e9))
      ->capture_default_str();
  add_read_flags(*fit_command, options->read);
  return [options, &common] { fit(*options, common); };
}

const RegisterVerb registered({"prior", "fit the distribution that sample draws from", set_up});

}  // namespace
}  // namespace tvae::apps
