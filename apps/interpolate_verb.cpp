// tvae interpolate: the texts on a path between two texts.
#include <memory>
#include <optional>

#include "apps/decoding.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/data/text_table.h"
#include "tvae/latent/paths.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, pairs;
  std::optional<std::string> from, to;
  bool escapes = false;
  PathOptions path;
};

/// Ends of the paths: from, to, from, to, ...
std::vector<std::string> ends_of(const Options& options, bool escapes) {
  if (!options.pairs.empty()) {
    if (options.from || options.to) throw ConfigError("--pairs goes without --from and --to");
    std::vector<std::string> ends;
    for (auto& [from, to] : read_text_pairs(options.pairs, {.escapes = escapes}))
      ends.insert(ends.end(), {std::move(from), std::move(to)});
    return ends;
  }
  if (!options.from || !options.to) throw ConfigError("interpolate needs --from and --to, or --pairs");
  return {given_text(*options.from, "--from", escapes), given_text(*options.to, "--to", escapes)};
}

void interpolate(const Options& options, const CommonOptions& common) {
  paths().find(options.path.path);
  const LatentSpace space = open_space(options.model, common);
  const bool escapes = with_escapes(options.escapes, options.model);
  const std::vector<std::string> ends = ends_of(options, escapes);
  PathOptions how = options.path;
  how.decode = with_common(how.decode, common);
  const torch::Tensor codes = space.encode(ends).mean;
  for (int64_t pair = 0; pair < codes.size(0) / 2; ++pair)
    for (const PathPoint& point : space.interpolate(codes[2 * pair], codes[2 * pair + 1], how)) {
      nlohmann::ordered_json fields;
      if (!options.pairs.empty()) fields["pair"] = pair;
      fields["ratio"] = point.ratio;
      print_output(point.output, escapes, common, fields);
    }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("--from", options->from, "first text");
  command.add_option("--to", options->to, "last text");
  command
      .add_option("--pairs", options->pairs,
                  "many instead: a table with two texts a row (.tsv, .csv, .jsonl), its columns from and to, else the "
                  "first two; - = stdin")
      ->type_name("FILE");
  command.add_option("--steps", options->path.steps, "texts a path, ends included")
      ->check(in_range(2, 1e6))
      ->capture_default_str();
  command.add_option("--path", options->path.path, paths().described())->type_name("NAME")->capture_default_str();
  add_decode_flags(command, options->path.decode);
  add_escapes_flag(command, options->escapes);
  command.footer(
      "A text a line; --pairs gives --steps lines a pair, in order. --json gives {ratio, text} a line, with "
      "\"pair\" where "
      "there are many and \"valid\" where the data has a check.");
  add_examples(command, {"tvae interpolate models/python_lines --from \"x = 1\" --to \"y = f(2)\"",
                         "tvae interpolate models/python_lines --pairs pairs.tsv --steps 5 --json"});
  return [options, &common] { interpolate(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"interpolate", "the texts between two texts", set_up});

}  // namespace
}  // namespace tvae::apps
