// tvae direction: named directions in latent space. Fitted to two files of texts, applied to texts, listed.
#include <memory>
#include <optional>
#include <set>

#include "apps/moved_text.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/latent/directions.h"

namespace tvae::apps {
namespace {

using Json = nlohmann::ordered_json;

struct FitOptions {
  std::string name, positive, negative, method = "mean";
  ReadOptions read;
};

struct ApplyOptions {
  std::string name, file = "-";
  std::optional<std::string> text;  // instead of those of the file
  std::vector<double> strengths = {1.0};
  bool constrain = false;
  ReadOptions read;
};

/// Every text once, and none of those in `others`.
std::vector<std::string> distinct(const std::vector<std::string>& texts, const std::set<std::string>& others) {
  std::vector<std::string> kept;
  std::set<std::string> seen = others;
  for (const std::string& text : texts)
    if (seen.insert(text).second) kept.push_back(text);
  return kept;
}

void fit(const std::string& directory, const FitOptions& options, const CommonOptions& common) {
  check_direction_name(options.name);
  if (options.positive == "-" && options.negative == "-")
    throw ConfigError("--positive and --negative are both stdin", "", "", "put one in a file");
  const std::vector<std::string> positive = read_texts(options.positive, options.read).texts;
  const std::vector<std::string> negative = read_texts(options.negative, options.read).texts;
  const std::set<std::string> p(positive.begin(), positive.end()), n(negative.begin(), negative.end());
  const auto shared = std::count_if(p.begin(), p.end(), [&n](const std::string& text) { return n.contains(text); });
  if (shared > 0) log_warning(std::to_string(shared) + " texts are in both files and are left out");

  const Model model = load_model(directory, parse_device(common.device));
  const auto codes_of = [&](const std::vector<std::string>& texts) { return encode_and_warn(model, texts).mean; };
  const DirectionFit fitted = fit_direction(options.method, codes_of(distinct(positive, n)),
                                            codes_of(distinct(negative, p)), static_cast<uint64_t>(common.seed));
  if (fitted.facts["held_out_accuracy"] <= fitted.facts["held_out_majority"])
    log_warning("on held-out texts the direction is no better than always guessing the commoner kind");
  save_direction(model, options.name, fitted);
  Json facts = {{"name", options.name}};
  facts.update(fitted.facts);
  if (common.json) return print_json(facts);
  for (const auto& [key, value] : facts.items())
    print_line(key + " = " + (value.is_string() ? value.get<std::string>() : value.dump()));
}

void apply(const std::string& directory, const ApplyOptions& options, const CommonOptions& common) {
  const Model model = load_decoder(directory, common, options.constrain);
  const Direction direction = load_direction(model, options.name).direction;
  std::vector<std::string> texts;
  if (options.text)
    texts = {given_text(*options.text, "--text", options.read.escapes)};
  else
    texts = read_texts(options.file, options.read).texts;
  const torch::Tensor codes = encode_and_warn(model, texts).mean;
  TextPrinter printer(model, options.read.escapes, common.json);
  const auto strengths = static_cast<int64_t>(options.strengths.size());
  const auto at_once = std::max<int64_t>(1, static_cast<int64_t>(kTextsAtOnce) / strengths);
  for (int64_t start = 0; start < codes.size(0); start += at_once) {
    std::vector<torch::Tensor> moved;
    std::vector<Json> fields;
    for (int64_t row = start; row < std::min(codes.size(0), start + at_once); ++row) {
      moved.push_back(moved_codes(codes[row], direction.step, options.strengths));
      const torch::Tensor logits = direction.logit.value(moved.back());
      for (int64_t i = 0; i < strengths; ++i)
        fields.push_back({{"source", texts[static_cast<size_t>(row)]},
                          {"strength", options.strengths[static_cast<size_t>(i)]},
                          {"logit", logits[i].item<double>()}});
    }
    printer.print(decode_codes(model, at::cat(moved)), fields);
  }
}

void list(const std::string& directory, const CommonOptions& common) {
  load_model_config(directory);
  const std::vector<std::string> names = direction_names(directory);
  if (names.empty()) log_info(directory + " has no directions; make one: tvae direction " + directory + " fit");
  for (const std::string& name : names) {
    Json facts = {{"name", name}};
    try {
      facts.update(direction_facts(directory, name));
    } catch (const CheckpointError& error) {
      log_warning(error.what());  // the others are listed
      continue;
    }
    if (common.json) {
      print_json(facts);
      continue;
    }
    const auto text = [&facts](const char* key) {
      const Json& value = facts[key];
      return value.is_number_float() ? rounded_text(value.get<double>()) : value.dump();
    };
    print_line(name + ": " + facts["method"].get<std::string>() + " of " + text("positive") + " and " +
               text("negative") + " texts, held-out accuracy " + text("held_out_accuracy") + " of " + text("held_out") +
               " (majority " + text("held_out_majority") + ")");
  }
}

std::string method_names() {
  std::vector<std::string> names;
  for (const auto& [name, method] : direction_methods()) names.push_back(name + " (" + method.help + ")");
  return join(names, ", ");
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto model = std::make_shared<std::string>();
  // Not ->required(): CLI11 would then take a sub-verb that comes before it for the model.
  command.add_option("MODEL", *model, "model directory");
  command.require_subcommand(1);
  command.footer(
      "For example: tvae direction runs/mine fit --name comment --positive comments.txt --negative others.txt, then\n"
      "tvae direction runs/mine apply --name comment --text \"x = a + 1\" --strength 0.5,1,1.5");

  CLI::App* fit_command = command.add_subcommand("fit", "fit one to the codes of texts; written to MODEL/latent");
  auto fit_options = std::make_shared<FitOptions>();
  fit_command->add_option("--name", fit_options->name, "its name; one of that name is replaced")->required();
  fit_command->add_option("--positive", fit_options->positive, "texts it leads to; - = stdin")->required();
  fit_command->add_option("--negative", fit_options->negative, "texts it leads away from; - = stdin")->required();
  fit_command->add_option("--method", fit_options->method, method_names())->capture_default_str();
  add_read_flags(*fit_command, fit_options->read);
  fit_command->footer(
      "A fifth of each kind of texts is held out to measure the accuracy; what is saved is then fitted to all of "
      "them.");

  CLI::App* apply_command = command.add_subcommand("apply", "move texts along one");
  auto apply_options = std::make_shared<ApplyOptions>();
  apply_command->add_option("--name", apply_options->name, "which one")->required();
  CLI::Option* text = apply_command->add_option("--text", apply_options->text, "one text, instead of FILE");
  apply_command->add_option("FILE", apply_options->file, "texts; - = stdin")->capture_default_str()->excludes(text);
  add_strength_flag(*apply_command, apply_options->strengths,
                    "how far: 1 goes as far as the two kinds of texts lie apart on average");
  add_constrain_flag(*apply_command, apply_options->constrain);
  add_read_flags(*apply_command, apply_options->read);
  apply_options->read.keep_empty = true;  // as many rows of output for each line of input
  apply_command->footer(
      "A line a strength for each text, in order. --json gives {source, strength, logit, text} a line, with \"valid\" "
      "where\nthe data has a check; the logit, of being a positive text, is that of the code.");

  CLI::App* list_command = command.add_subcommand("list", "the directions that a model has");
  const std::vector<std::pair<CLI::App*, RunVerb>> choices = {
      {fit_command, [=, &common] { fit(*model, *fit_options, common); }},
      {apply_command, [=, &common] { apply(*model, *apply_options, common); }},
      {list_command, [=, &common] { list(*model, common); }}};
  for (const auto& [choice, run] : choices) choice->fallthrough();
  return [choices, model] {
    if (model->empty()) throw ConfigError("MODEL is required", "", "tvae direction MODEL fit, apply or list");
    for (const auto& [choice, run] : choices)
      if (choice->parsed()) run();
  };
}

const RegisterVerb registered({"direction", "named directions in latent space: fit, apply, list", set_up});

}  // namespace
}  // namespace tvae::apps
