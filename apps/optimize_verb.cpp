// tvae optimize: moves a text uphill on a learned property while staying near the prior.
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "apps/moved_text.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/latent/directions.h"
#include "tvae/latent/optimize.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, text, direction, property;
  bool escapes = false, constrain = false;
  OptimizeOptions climb;
};

struct PropertyFile {
  std::vector<std::string> texts;
  std::vector<double> values;
};

constexpr double kLargest = 1e100;  // squares of what is larger, or smaller than its inverse, are lost

/// Text, tab, number a line; empty lines are passed over. A first line that names the column "text" is a header; of a
/// text that comes again the first number counts.
PropertyFile read_property_file(const std::string& path, bool escapes) {
  LineReader lines(path);
  PropertyFile file;
  std::map<std::string, double> seen;
  int64_t contradictions = 0;
  for (std::string line; lines.next(line);) {
    if (strip(line).empty()) continue;
    const std::string where = path + " line " + std::to_string(lines.line_number());
    if (!is_valid_utf8(line)) throw DataError(where, "bad UTF-8", "text, tab, number");
    const size_t tab = line.rfind('\t');
    if (tab == std::string::npos) throw DataError(where, "no tab", "text, tab, number");
    const std::string text = line.substr(0, tab), number = strip(line.substr(tab + 1));
    double value = 0.0;
    const bool has_plus = number.size() > 1 && number[0] == '+' && number[1] != '-';  // which from_chars does not take
    const auto [end, error] = std::from_chars(number.data() + has_plus, number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(value)) {
      if (lines.line_number() == 1 && text == "text") continue;
      throw DataError(where, "\"" + number.substr(0, 40) + "\"", "a finite number after the tab");
    }
    if (std::abs(value) > kLargest || (value != 0.0 && std::abs(value) < 1.0 / kLargest))
      throw DataError(where, "\"" + number.substr(0, 40) + "\"", "0 or a size from 1e-100 to 1e100");
    const auto [known, fresh] = seen.emplace(text, value);
    contradictions += known->second != value;
    if (!fresh) continue;
    file.texts.push_back(escapes ? unescape_line(text) : text);
    file.values.push_back(value);
  }
  if (contradictions > 0)
    log_warning(path + ": " + std::to_string(contradictions) +
                " rows repeat a text with another number; the first counts");
  if (file.texts.empty()) throw DataError(path + " holds no texts", "", "text, tab, number a line");
  return file;
}

std::string figure(const std::optional<double>& value) {
  return value ? rounded_text(*value) : "undefined";
}

LinearProperty fit_to_file(const Model& model, const Options& options, uint64_t seed) {
  const PropertyFile file = read_property_file(options.property, options.escapes);
  const torch::Tensor codes = encode_and_warn(model, file.texts).mean;
  const PropertyFit fit = fit_property(codes, torch::tensor(file.values, at::kDouble), seed);
  const PropertyScore& score = fit.score;
  log_info("property of " + std::to_string(file.texts.size()) + " texts: R² " + figure(score.r2) + ", Spearman " +
           figure(score.spearman) + " on " + std::to_string(score.held_out_rows) + " held-out texts");
  if (score.r2.value_or(0.0) <= 0.0)
    log_warning("the codes do not tell the property of held-out texts: climbing it means little");
  return fit.property;
}

void optimize(const Options& options, const CommonOptions& common) {
  if (options.direction.empty() == options.property.empty())
    throw ConfigError("optimize needs --direction or --property", options.direction.empty() ? "neither" : "both",
                      "one of them");
  const std::string text = given_text(options.text, "--text", options.escapes);
  const Model model = load_decoder(options.model, common, options.constrain);
  const auto seed = static_cast<uint64_t>(common.seed);
  const LinearProperty property = options.direction.empty() ? fit_to_file(model, options, seed)
                                                            : load_direction(model, options.direction).direction.logit;
  const std::optional<SavedPrior> prior = load_prior(model);
  Rng rng(seed);
  const Typicality typicality = prior ? Typicality(*prior->prior, rng) : Typicality(property.scale);

  const OptimizedPath path = optimize_code(encode_and_warn(model, {text}).mean[0], property, typicality, options.climb);
  std::vector<std::string> shown;
  std::vector<nlohmann::ordered_json> fields;
  std::set<std::string> seen;
  const std::vector<std::string> texts = decode_codes(model, path.codes);
  for (size_t step = 0; step < texts.size(); ++step) {
    if (!seen.insert(texts[step]).second) continue;
    const auto i = static_cast<int64_t>(step);
    shown.push_back(texts[step]);
    fields.push_back({{"step", step},
                      {"objective", path.objectives[i].item<double>()},
                      {"value", path.values[i].item<double>()},
                      {"unlikeliness", path.unlikeliness[i].item<double>()}});
  }
  TextPrinter(model, options.escapes, common.json).print(shown, fields);
  log_info("from " + figure(path.values[0].item<double>()) + " to " + figure(path.values[-1].item<double>()) + " in " +
           std::to_string(texts.size() - 1) + " steps");
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  OptimizeOptions& climb = options->climb;
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("--text", options->text, "where to start")->required();
  command.add_option("--direction", options->direction, "climb the logit of a direction (tvae direction)");
  command.add_option("--property", options->property, "climb a property: a file of text, tab, number; - = stdin");
  command.add_option("--steps", climb.steps, "steps, at most")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}))
      ->capture_default_str();
  command.add_option("--step-size", climb.step_size, "length of a step at most, in standard deviations of codes")
      ->check(number_in(1e-6, 1e6))
      ->capture_default_str();
  command.add_option("--prior-weight", climb.prior_weight, "of staying where codes are likely; 0 = not at all")
      ->check(number_in(0, 1e6))
      ->capture_default_str();
  command
      .add_option("--text-weight", climb.text_weight,
                  "of staying near the text: the way goes up to 1/weight standard deviations; 0 = no limit")
      ->check(number_in(0, 1e6))
      ->capture_default_str();
  command.add_flag("--downhill", climb.downhill, "descend instead");
  add_constrain_flag(command, options->constrain);
  command.add_flag("--escapes", options->escapes, "\\n, \\t and \\\\ stand for newline, tab and backslash");
  command.footer(
      "Prints each text on the way once, from the reconstruction of --text on. A property is a ridge regression on "
      "codes;\nlikely is what the fitted prior says (tvae prior fit), or, without one, a normal distribution around "
      "the "
      "codes that\nthe property or the direction was fitted to. --json gives {step, objective, value, unlikeliness, "
      "text} a line, with\n\"valid\" where the data has a check: the value of the property, or the logit; and by how "
      "many standard deviations\nthe log density of the code lies below that of typical draws.");
  return [options, &common] { optimize(*options, common); };
}

const RegisterVerb registered({"optimize", "moves a text uphill on a property, near the prior", set_up});

}  // namespace
}  // namespace tvae::apps
