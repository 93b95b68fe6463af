// tvae interpolate: the texts on a path between two texts.
#include <memory>
#include <optional>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/data/text_table.h"
#include "tvae/latent/paths.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, pairs;
  std::optional<std::string> from, to;
  std::vector<std::string> columns;
  bool escapes = false, quotes = false;
  PathOptions path;
};

/// How --pairs is read.
ReadOptions read_options_of(const Options& options, bool escapes) {
  ReadOptions read{.escapes = escapes, .quotes = options.quotes};
  if (options.columns.empty()) return read;
  if (options.columns.size() != 2)
    throw ConfigError("--column", counted(options.columns.size(), "name"), "two: of the first text and of the second");
  read.column = options.columns[0];
  read.label_column = options.columns[1];
  return read;
}

/// Ends of the paths: from, to, from, to, ...
std::vector<std::string> ends_of(const Options& options, bool escapes) {
  if (!options.pairs.empty()) {
    if (options.from || options.to) throw ConfigError("--pairs goes without --from and --to");
    std::vector<std::string> ends;
    for (auto& [from, to] : read_text_pairs(options.pairs, read_options_of(options, escapes)))
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
                  "many instead: a table with two texts a row (.tsv, .csv, .jsonl), its columns from and to, else its "
                  "only two, or only two of texts; - = stdin")
      ->type_name("FILE");
  command
      .add_option("--column", options->columns,
                  "twice: the columns of --pairs that hold the first text and the second, by name or number")
      ->type_name("NAME")
      ->take_all()
      ->allow_extra_args(false);
  add_quotes_flag(command, options->quotes);
  command.add_option("--steps", options->path.steps, "texts a path, ends included")
      ->check(in_range(2, 1e6))
      ->capture_default_str();
  command.add_option("--path", options->path.path, paths().described())->type_name("NAME")->capture_default_str();
  add_decode_flags(command, options->path.decode);
  add_escapes_flag(command, options->escapes);
  command.footer(
      "A text a line; --pairs gives --steps lines a pair, in order. --json gives {ratio, text} a line, with \"pair\" "
      "where there are many and \"valid\" where the data has a check.");
  add_examples(command, {"tvae interpolate models/python_lines --from \"x = 1\" --to \"y = f(2)\"",
                         "tvae interpolate models/python_lines --pairs pairs.tsv --steps 5 --json"});
  return [options, &common] { interpolate(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"interpolate", "the texts between two texts", set_up});

}  // namespace
}  // namespace tvae::apps
