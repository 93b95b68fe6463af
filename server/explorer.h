// What the explorer works with: the loaded models, the maps of their corpora, and long work.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/jobs.h"
#include "tvae/data/reader.h"
#include "tvae/eval/model_corpus.h"
#include "tvae/latent/corpus_map.h"
#include "tvae/latent/space.h"

namespace tvae::server {

/// A model, and the map of its corpus once that is made.
class ExploredModel {
 public:
  ExploredModel(LatentSpace opened, int64_t place);

  const LatentSpace space;
  const int64_t number;    // 0 or 1
  const std::string name;  // of its folder

  /// The map; throws Refused: 404 where there is no corpus, 409 where it is still being made.
  std::shared_ptr<const CorpusMap> map() const;
  /// The same, or null.
  std::shared_ptr<const CorpusMap> map_if_ready() const;
  /// What a member "corpus" of schema Model says.
  nlohmann::ordered_json describe_corpus() const;
  /// Numbers of codes, as the texts of the corpus use them.
  const std::vector<Dimension>& dimensions() const;
  /// A number for each point of the map that takes long to compute, kept once it was.
  torch::Tensor values(const std::string& of, const std::function<torch::Tensor(const CorpusMap&)>& compute) const;

  void set_job(const std::string& id);
  void set_map(CorpusMap map, std::vector<Dimension> dimensions);
  void set_failure(const std::string& detail);
  void set_examples(std::vector<std::string> texts);
  /// What an evaluation takes where the texts that the run held out are not there; none of them: those.
  const TextsFile& texts_to_measure() const { return texts_to_measure_; }
  void set_texts_to_measure(TextsFile texts) { texts_to_measure_ = std::move(texts); }
  std::vector<std::string> examples() const;

 private:
  mutable std::mutex mutex_;
  std::string state_ = "none", detail_ = "", job_ = "";
  std::shared_ptr<const CorpusMap> map_;
  std::vector<Dimension> dimensions_;
  std::vector<std::string> examples_;
  TextsFile texts_to_measure_;
  mutable std::map<std::string, torch::Tensor> values_;
};

struct ExplorerOptions {
  std::string corpus = {};  // file; empty = the model's own corpus.jsonl, else what its run trained on
  ReadOptions read = {};    // of it
  MapOptions map = {};
};

class Explorer {
 public:
  /// One or two models. Their maps are made by jobs, so that it is there at once. Warns where a model has no corpus.
  Explorer(std::vector<LatentSpace> spaces, const ExplorerOptions& options);

  const std::vector<std::unique_ptr<ExploredModel>>& models() const { return models_; }
  Jobs& jobs() { return jobs_; }

 private:
  std::vector<std::unique_ptr<ExploredModel>> models_;
  Jobs jobs_;  // ends before the models that it works on
};

}  // namespace tvae::server
