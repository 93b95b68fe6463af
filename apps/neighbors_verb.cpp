// tvae neighbors: the texts of a corpus whose codes are nearest.
#include <array>
#include <charconv>
#include <memory>
#include <unordered_set>

#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/latent/linear_property.h"
#include "tvae/latent/neighbors.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, corpus, query = "-", metric = "cosine", search = "auto";
  int64_t count = 10;
  ReadOptions read;
};

/// Every text of the corpus once, with the row where it comes first.
struct Corpus {
  std::vector<std::string> texts;
  std::vector<int64_t> rows;
};

Corpus read_corpus(const Options& options) {
  ReadOptions read = options.read;
  read.keep_empty = true;  // rows are numbered as tvae encode writes them
  const std::vector<std::string> all = read_texts(options.corpus, read).texts;
  std::unordered_set<std::string> seen = {""};
  Corpus corpus;
  for (size_t row = 0; row < all.size(); ++row) {
    if (!seen.insert(all[row]).second) continue;
    corpus.texts.push_back(all[row]);
    corpus.rows.push_back(static_cast<int64_t>(row));
  }
  if (corpus.texts.empty()) throw DataError(options.corpus + ": no usable rows", "", "texts to search");
  return corpus;
}

/// Building the graph costs about as much as so many exact searches.
constexpr size_t kQueriesForAGraph = 10000;

Neighbors search(const Options& options, const torch::Tensor& codes, const torch::Tensor& queries) {
  const Metric metric = options.metric == "l2" ? Metric::kL2 : Metric::kCosine;
  const int64_t count = std::min(options.count, codes.size(0));
  const bool many = static_cast<size_t>(queries.size(0)) >= kQueriesForAGraph;
  if (options.search == "exact" || (options.search == "auto" && !many))
    return exact_neighbors(codes, queries, count, metric);
  log_verbose("building the graph of " + std::to_string(codes.size(0)) + " codes");
  return NeighborIndex(codes, metric).search(queries, count);
}

/// Six digits.
std::string short_number(double value) {
  std::array<char, 32> digits{};
  return {digits.data(),
          std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general, 6).ptr};
}

void neighbors(const Options& options, const CommonOptions& common) {
  const bool many = options.query == "-";
  if (many && options.corpus == "-") throw ConfigError("--corpus and QUERY are both stdin", "", "", "give one of them");
  const Model model = load_model(options.model, parse_device(common.device));
  const Corpus corpus = read_corpus(options);
  std::vector<std::string> queries = {given_text(options.query, "QUERY", options.read.escapes)};
  if (many) {
    ReadOptions lines;
    lines.escapes = options.read.escapes;
    lines.keep_empty = true;  // as many neighbours for each line
    queries = read_texts("-", lines).texts;
  }
  const torch::Tensor codes = encode_and_warn(model, corpus.texts).mean;
  if (codes.size(0) > 1) measure_codes(codes);  // refuses a collapsed model
  const Neighbors found = search(options, codes, encode_and_warn(model, queries).mean);
  for (int64_t query = 0; query < found.rows.size(0); ++query) {
    for (int64_t place = 0; place < found.rows.size(1); ++place) {
      const auto index = static_cast<size_t>(found.rows[query][place].item<int64_t>());
      const auto distance = found.distances[query][place].item<double>();
      if (!common.json) {
        print_line(short_number(distance) + "\t" + output_line(corpus.texts[index], options.read.escapes));
        continue;
      }
      nlohmann::ordered_json json;
      if (many) json["query"] = queries[static_cast<size_t>(query)];
      json["text"] = corpus.texts[index];
      json["distance"] = distance;
      json["row"] = corpus.rows[index];
      print_json(json);
    }
  }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("QUERY", options->query, "a text; - = a text a line on stdin")->capture_default_str();
  command.add_option("--corpus", options->corpus, "texts to search; - = stdin")->required();
  command.add_option("-n,--count", options->count, "neighbours of each query")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_option("--metric", options->metric, "between codes")
      ->check(CLI::IsMember({"cosine", "l2"}))
      ->capture_default_str();
  command
      .add_option("--search", options->search,
                  "exact, or graph (HNSW: faster for thousands of queries, may miss some); auto chooses")
      ->check(CLI::IsMember({"auto", "exact", "graph"}))
      ->capture_default_str();
  add_read_flags(command, options->read);
  command.footer(
      "Distance, tab, text: -n lines a query, the nearest first; a text that the corpus repeats comes once. --json "
      "gives\n{text, distance, row} a line, with \"query\" where they come from stdin; rows are counted from 0, as "
      "tvae "
      "encode writes\nthem.");
  return [options, &common] { neighbors(*options, common); };
}

const RegisterVerb registered({"neighbors", "nearest texts of a corpus", set_up});

}  // namespace
}  // namespace tvae::apps
