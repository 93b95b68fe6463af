// tvae map: lays a corpus out on a map, for the explorer and for plots.
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/latent/corpus_map.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, corpus;
  bool no_umap = false;
  ReadOptions read;
  MapOptions map;
};

void map(const Options& options, const CommonOptions& common) {
  const LatentSpace space = open_space(options.model, common);
  const Rows rows = read_labelled_texts(options.corpus, options.read, options.model);
  MapOptions how = options.map;
  how.umap = !options.no_umap;
  how.seed = static_cast<uint64_t>(common.seed);
  const CorpusMap made = CorpusMap::open(space, rows, how);
  const bool umap = made.has(Projection::kUmap);
  log_info("map of " + counted(made.points(), "text") + (made.was_kept() ? ", as it was kept" : ", kept") + " in " +
           options.model + "/map: PCA" + (umap ? " and UMAP" : ""));
  const torch::Tensor pca = made.positions(Projection::kPca);
  for (int64_t point = 0; point < made.points(); ++point) {
    const auto i = static_cast<size_t>(point);
    nlohmann::ordered_json json = {{"row", made.index().rows()[i]}, {"text", made.index().texts()[i]}};
    if (made.label_of()[i] >= 0) json["label"] = made.labels()[static_cast<size_t>(made.label_of()[i])];
    json["pca"] = {pca[point][0].item<float>(), pca[point][1].item<float>()};
    if (umap) {
      const torch::Tensor at_umap = made.positions(Projection::kUmap)[point];
      json["umap"] = {at_umap[0].item<float>(), at_umap[1].item<float>()};
    }
    if (common.json) print_json(json);
  }
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("--corpus", options->corpus, "texts to map; - = stdin")->type_name("FILE")->required();
  command.add_option("--points", options->map.points, "texts on the map, at most")
      ->check(in_range(1, 1e7))
      ->capture_default_str();
  command.add_flag("--no-umap", options->no_umap, "principal components alone");
  add_read_flags(command, options->read);
  command.footer(
      "The map is kept in MODEL/map, where tvae serve finds it for the same corpus. --json prints {row, text, label, "
      "pca, umap} a line, the last two as positions [x, y].");
  add_examples(command, {"tvae map models/python_lines --corpus lines.txt",
                         "tvae map runs/mine --corpus held_out.tsv --json > map.jsonl"});
  return [options, &common] { map(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"map", "lay a corpus out on a map", set_up});

}  // namespace
}  // namespace tvae::apps
