// tvae neighbors: the texts of a corpus whose codes are nearest.
#include <array>
#include <charconv>
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/latent/corpus_index.h"

namespace tvae::apps {
namespace {

using Method = CodeSearch::Method;

struct Options {
  std::string model, corpus, query = "-";
  Metric metric = Metric::kCosine;
  Method search = Method::kAuto;
  int64_t count = 10;
  ReadOptions read;
};

/// Six digits.
std::string short_number(double value) {
  std::array<char, 32> digits{};
  return {digits.data(),
          std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general, 6).ptr};
}

void neighbors(const Options& options, const CommonOptions& common) {
  const bool many = options.query == "-";
  if (many && options.corpus == "-") throw ConfigError("--corpus and QUERY are both stdin", "", "", "give one of them");
  const LatentSpace space = open_space(options.model, common);
  ReadOptions read = options.read;
  read.keep_empty = true;  // rows are numbered as tvae encode writes them
  const bool escapes = with_escapes(options.read.escapes, options.model);
  std::vector<std::string> queries = {given_text(options.query, "QUERY", escapes)};
  if (many) queries = read_texts("-", {.escapes = escapes, .keep_empty = true}).texts;
  const CorpusFile file{options.corpus, way_of_reading(options.corpus, read, options.model),
                        [&] { return read_labelled_texts_untold(options.corpus, read, options.model); }};
  const CorpusIndex corpus = CorpusIndex::open(space, file, options.metric);
  const auto found = corpus.search().query(space.encode(queries).mean, options.count, options.search);
  for (size_t query = 0; query < found.size(); ++query)
    for (const auto& [text, distance] : found[query]) {
      if (!common.json) {
        print_line(short_number(distance) + "\t" + output_line(corpus.text(text), escapes));
        continue;
      }
      nlohmann::ordered_json json;
      if (many) json["query"] = queries[query];
      json.update({{"text", corpus.text(text)}, {"distance", distance}, {"row", corpus.row(text)}});
      if (const auto label = corpus.label(text)) json["label"] = *label;
      print_json(json);
    }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("QUERY", options->query, "a text; - = a text a line on stdin")->capture_default_str();
  command.add_option("--corpus", options->corpus, "texts to search; - = stdin")->type_name("FILE")->required();
  command.add_option("-n,--count", options->count, "neighbours of each query")
      ->check(in_range(1, 1e6))
      ->capture_default_str();
  add_choice(command, "--metric", options->metric, {{"cosine", Metric::kCosine}, {"l2", Metric::kL2}},
             "what near means: the angle between codes (cosine) or their distance (l2)");
  add_choice(command, "--search", options->search,
             {{"auto", Method::kAuto}, {"exact", Method::kExact}, {"graph", Method::kGraph}},
             "exact, or graph: faster for thousands of queries, may miss some");
  add_read_flags(command, options->read);
  command.footer(
      "Distance, tab, text: -n lines a query, the nearest first; a text that the corpus repeats comes once. --json "
      "gives {text, distance, row} a line, with \"query\" where they come from stdin and \"label\" where rows have "
      "one; "
      "rows are those of the file, from 0, as tvae encode writes them.\n\n"
      "The codes of a corpus are kept in MODEL/neighbors, where the next search finds them: a file is encoded again "
      "when it, how it is read, or the model changes. What is read from stdin is not kept.");
  add_examples(command, {"tvae neighbors models/python_lines \"x = 1\" --corpus lines.txt",
                         "tvae neighbors models/python_lines --corpus lines.txt -n 3 --json < queries.txt"});
  return [options, &common] { neighbors(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"neighbors", "nearest texts of a corpus", set_up});

}  // namespace
}  // namespace tvae::apps
