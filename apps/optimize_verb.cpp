// tvae optimize: moves a text uphill on a learned property while staying near the prior.
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/data/text_table.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, text, direction, property;
  ReadOptions read;  // of the property; its escapes hold for --text too
  OptimizeOptions climb;
  DecodeOptions decode;
};

std::string figure(const std::optional<double>& value) {
  return value ? rounded_text(*value) : "undefined";
}

LinearProperty property_of_file(const LatentSpace& space, const Options& options, uint64_t seed) {
  const TextValues table = read_text_values(options.property, options.read);
  const PropertyFit fit = space.fit_property(table.texts, table.values, seed);
  log_info("property of " + std::to_string(table.texts.size()) + " texts: R² " + figure(fit.score.r2) + ", Spearman " +
           figure(fit.score.spearman) + " on " + std::to_string(fit.score.held_out_rows) + " held-out texts");
  return fit.property;
}

void optimize(const Options& options, const CommonOptions& common) {
  if (options.direction.empty() == options.property.empty())
    throw ConfigError("optimize needs --direction or --property", options.direction.empty() ? "neither" : "both",
                      "one of them");
  const bool escapes = with_escapes(options.read.escapes, options.model);
  const std::string text = given_text(options.text, "--text", escapes);
  const LatentSpace space = open_space(options.model, common);
  const DecodeOptions how = with_common(options.decode, common);
  const LinearProperty property = options.direction.empty() ? property_of_file(space, options, how.seed)
                                                            : space.direction(options.direction).direction.logit;
  const OptimizedTexts way = space.optimize(text, property, options.climb, how);
  for (const OptimizedText& point : way.texts)
    print_output(point.output, escapes, common,
                 {{"step", point.step},
                  {"objective", point.objective},
                  {"value", point.value},
                  {"unlikeliness", point.unlikeliness}});
  if (way.texts.size() == 1)
    log_info(
        "the code moves, but no step changes the text: longer steps or smaller weights reach farther (--step-size, "
        "--steps, --text-weight, --prior-weight)");
  log_info("from " + rounded_text(way.first_value) + " to " + rounded_text(way.last_value) + " in " +
           std::to_string(way.steps) + " steps");
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  OptimizeOptions& climb = options->climb;
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("--text", options->text, "where to start")->required();
  command
      .add_option("--direction", options->direction, "climb towards the positive texts of a direction (tvae direction)")
      ->type_name("NAME");
  command
      .add_option("--property", options->property,
                  "climb a property: a table with a text and a number a row (.tsv, .csv, .jsonl), its columns text and "
                  "value, else its only two, or what looks like them; - = stdin")
      ->type_name("FILE");
  command
      .add_option("--column", options->read.column,
                  "which column of the property holds the texts; default text, else what looks like them")
      ->type_name("NAME");
  command
      .add_option("--label-column", options->read.label_column,
                  "which column of the property holds the numbers; default value, else the only other one of numbers")
      ->type_name("NAME");
  add_quotes_flag(command, options->read.quotes);
  command.add_option("--steps", climb.steps, "how many steps, at most")->check(in_range(1, 1e6))->capture_default_str();
  command.add_option("--step-size", climb.step_size, "how long a step is, at most, in standard deviations of codes")
      ->check(in_range(1e-6, 1e6))
      ->capture_default_str();
  command
      .add_option("--prior-weight", climb.prior_weight,
                  "how much it counts to stay where codes are likely; 0 = nothing")
      ->check(in_range(0, 1e6))
      ->capture_default_str();
  command
      .add_option(
          "--text-weight", climb.text_weight,
          "how much it counts to stay near the text: the way is at most 1/X standard deviations long; 0 = no limit")
      ->check(in_range(0, 1e6))
      ->capture_default_str();
  command.add_flag("--downhill", climb.downhill, "descend instead");
  add_decode_flags(command, options->decode);
  add_escapes_flag(command, options->read.escapes);
  command.footer(
      "Prints each text on the way once, from the reconstruction of --text on. A property is a ridge regression on "
      "codes; likely is what the fitted prior says (tvae prior fit), or, without one, a normal distribution around the "
      "codes that the property or the direction was fitted to. --json gives {step, objective, value, unlikeliness, "
      "text} a line, with \"valid\" where the data has a check: the value of the property, or the logit of the "
      "direction; and by how many standard deviations the log density of the code lies below that of typical draws.");
  add_examples(command, {"tvae optimize models/python_lines --text \"x = 1\" --property lengths.tsv",
                         "tvae optimize models/python_lines --text \"x = 1\" --direction note --downhill"});
  return [options, &common] { optimize(*options, common); };
}

const Register<SetUpVerb> registered(verbs(),
                                     {"optimize", "move a text uphill on a property, where texts are likely", set_up});

}  // namespace
}  // namespace tvae::apps
