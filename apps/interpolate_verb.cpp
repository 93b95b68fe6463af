// tvae interpolate: the texts on a path between two texts.
#include <memory>
#include <optional>

#include "apps/moved_text.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/latent/paths.h"
#include "tvae/validity/validity.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, pairs, path = "slerp";
  std::optional<std::string> from, to;
  int64_t steps = 11;
  bool escapes = false, constrain = false;
  SearchOptions search;
};

/// Ends of the paths: from, to, from, to, ...
std::vector<std::string> read_ends(const Options& options) {
  std::vector<std::string> ends;
  if (options.pairs.empty()) {
    if (!options.from || !options.to) throw ConfigError("interpolate needs --from and --to, or --pairs");
    return {given_text(*options.from, "--from", options.escapes), given_text(*options.to, "--to", options.escapes)};
  }
  if (options.from || options.to) throw ConfigError("--pairs goes without --from and --to");
  LineReader lines(options.pairs);
  for (std::string line; lines.next(line);) {
    const std::vector<std::string> fields = split(line, '\t');
    const std::string where = options.pairs + " line " + std::to_string(lines.line_number());
    if (fields.size() != 2)
      throw DataError(where, std::to_string(fields.size()) + " fields", "two texts with a tab between them");
    if (!is_valid_utf8(line)) throw DataError(where, "bad UTF-8", "two texts with a tab between them");
    for (const std::string& field : fields) ends.push_back(options.escapes ? unescape_line(field) : field);
  }
  if (ends.empty()) throw DataError(options.pairs + " holds no pairs");
  return ends;
}

void interpolate(const Options& options, const CommonOptions& common) {
  const PathFunction& path = find_path(options.path);
  const std::vector<std::string> ends = read_ends(options);
  const Model model = load_decoder(options.model, common, options.constrain);
  const torch::Tensor codes = encode_and_warn(model, ends).mean;
  const torch::Tensor ratios = at::linspace(0.0, 1.0, options.steps, at::kDouble);
  SearchOptions search = options.search;
  search.seed = static_cast<uint64_t>(common.seed);
  const std::shared_ptr<ValidityCheck> check =
      common.json || search.candidates > 1 ? make_validity_check(model.check) : nullptr;
  TextPrinter printer(check, options.escapes, common.json);
  for (int64_t pair = 0; pair < codes.size(0) / 2; ++pair) {
    const torch::Tensor points = path(codes[2 * pair], codes[2 * pair + 1], ratios);
    std::vector<nlohmann::ordered_json> fields(static_cast<size_t>(options.steps), nlohmann::ordered_json::object());
    for (int64_t step = 0; step < options.steps; ++step) {
      nlohmann::ordered_json& json = fields[static_cast<size_t>(step)];
      if (!options.pairs.empty()) json["pair"] = pair;
      json["ratio"] = ratios[step].item<double>();
    }
    printer.print(search_outputs(model, points, decode_codes(model, points), check.get(), search), fields);
  }
}

std::string path_names() {
  std::vector<std::string> names;
  for (const auto& [name, path] : path_registry()) names.push_back(name + " (" + path.help + ")");
  return join(names, ", ");
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("--from", options->from, "first text");
  command.add_option("--to", options->to, "last text");
  command.add_option("--pairs", options->pairs, "many instead: a file with two tab-separated texts a line; - = stdin");
  command.add_option("--steps", options->steps, "texts a path, ends included")
      ->check(CLI::Range(2, 1000000))
      ->capture_default_str();
  command.add_option("--path", options->path, path_names())->capture_default_str();
  add_search_flags(command, options->search);
  add_constrain_flag(command, options->constrain);
  command.add_flag("--escapes", options->escapes, "\\n, \\t and \\\\ stand for newline, tab and backslash");
  command.footer(
      "A text a line; --pairs gives --steps lines a pair, in order. --json gives {ratio, text} a line, with "
      "\"pair\" where\n"
      "there are many and \"valid\" where the data has a check.");
  return [options, &common] { interpolate(*options, common); };
}

const RegisterVerb registered({"interpolate", "the steps between two texts", set_up});

}  // namespace
}  // namespace tvae::apps
