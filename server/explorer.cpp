#include "server/explorer.h"

#include <algorithm>

#include "server/problem.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/data/file_set.h"
#include "tvae/eval/held_out.h"
#include "tvae/eval/model_corpus.h"
#include "tvae/latent/umap.h"
#include "tvae/run/run_record.h"

namespace tvae::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kTextsForDimensions = 2000;
constexpr size_t kExamples = 24;
/// Examples are read at a glance.
constexpr size_t kLongestExample = 80;

bool has_held_out(const std::string& directory) {
  const RecordedData recorded = recorded_data(directory);
  return !recorded.valid.path.empty() && files_can_be_read_again(recorded.valid.path);
}

/// Held-out texts where the run's are there, else some of the corpus: short ones, spread over the file.
std::vector<std::string> example_texts(const std::string& directory, const std::vector<std::string>& corpus) {
  std::vector<std::string> texts = corpus;
  try {
    if (has_held_out(directory)) texts = recorded_data(directory).valid.rows().texts;
  } catch (const Error& error) {  // the corpus will do
    log_verbose(error.what());
  }
  std::vector<std::string> examples;
  const size_t step = std::max<size_t>(1, texts.size() / (4 * kExamples));
  for (const size_t longest : {kLongestExample, std::string::npos})
    for (size_t i = 0; i < texts.size() && examples.size() < kExamples; i += step)
      if (!texts[i].empty() && texts[i].size() <= longest && std::ranges::find(examples, texts[i]) == examples.end())
        examples.push_back(texts[i]);
  return examples;
}

}  // namespace

ExploredModel::ExploredModel(LatentSpace opened, int64_t place)
    : space(std::move(opened)), number(place), name(last_part(space.model().directory)) {}

std::shared_ptr<const CorpusMap> ExploredModel::map_if_ready() const {
  const std::lock_guard lock(mutex_);
  return map_;
}

std::shared_ptr<const CorpusMap> ExploredModel::map() const {
  const std::lock_guard lock(mutex_);
  if (map_) return map_;
  if (state_ == "building") throw Refused(409, "the map is still being made: job " + job_);
  throw Refused(404, "the model has no corpus" + (detail_.empty() ? "" : ": " + detail_));
}

Json ExploredModel::describe_corpus() const {
  const std::lock_guard lock(mutex_);
  Json projections = Json::array();
  if (map_) projections.push_back("pca");
  if (map_ && map_->has(Projection::kUmap)) projections.push_back("umap");
  return {{"state", state_},
          {"points", map_ ? map_->points() : 0},
          {"labels", map_ ? Json(map_->labels()) : Json::array()},
          {"projections", projections},
          {"job", job_.empty() ? Json(nullptr) : Json(job_)},
          {"detail", detail_.empty() ? Json(nullptr) : Json(detail_)}};
}

const std::vector<Dimension>& ExploredModel::dimensions() const {
  map();
  return dimensions_;  // which does not change any more
}

torch::Tensor ExploredModel::values(const std::string& of,
                                    const std::function<torch::Tensor(const CorpusMap&)>& compute) const {
  const auto made = map();
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = values_.find(of); known != values_.end()) return known->second;
  }
  const torch::Tensor computed = compute(*made);
  const std::lock_guard lock(mutex_);
  return values_[of] = computed;
}

void ExploredModel::set_job(const std::string& id) {
  const std::lock_guard lock(mutex_);
  job_ = id;
  if (state_ == "none") state_ = "building";
}

void ExploredModel::set_map(CorpusMap map, std::vector<Dimension> dimensions) {
  const std::lock_guard lock(mutex_);
  map_ = std::make_shared<const CorpusMap>(std::move(map));
  dimensions_ = std::move(dimensions);
  state_ = "ready";
}

void ExploredModel::set_failure(const std::string& detail) {
  const std::lock_guard lock(mutex_);
  state_ = "failed";
  detail_ = detail;
}

void ExploredModel::set_examples(std::vector<std::string> texts) {
  const std::lock_guard lock(mutex_);
  examples_ = std::move(texts);
}

std::vector<std::string> ExploredModel::examples() const {
  const std::lock_guard lock(mutex_);
  return examples_;
}

Explorer::Explorer(std::vector<LatentSpace> spaces, const ExplorerOptions& options) {
  for (LatentSpace& space : spaces)
    models_.push_back(std::make_unique<ExploredModel>(std::move(space), static_cast<int64_t>(models_.size())));
  for (const auto& explored : models_) {
    ExploredModel& model = *explored;
    const std::string& directory = model.space.model().directory;
    const auto rows = std::make_shared<Rows>();
    try {
      const TextsFile file = corpus_file(directory, options.corpus, options.read);
      *rows = corpus_rows(directory, file);
      if (!has_held_out(directory)) model.set_texts_to_measure(file);
      model.set_examples(example_texts(directory, rows->texts));
    } catch (const Error& error) {
      if (!options.corpus.empty()) throw;
      log_warning(model.name + " has no map: " + error.what());
      model.set_failure("no corpus was found");
      model.set_examples(example_texts(directory, {}));
      continue;
    }
    model.set_job(jobs_.start("map", model.number, [&model, rows, map = options.map](Progress& progress) -> Json {
      try {
        CorpusMap made = CorpusMap::open(model.space, *rows, map, progress);
        std::vector<std::string> some = made.index().texts();
        if (static_cast<int64_t>(some.size()) > kTextsForDimensions) some.resize(kTextsForDimensions);
        std::vector<Dimension> dimensions = dimensions_of(model.space.encode(some, progress));
        model.set_map(std::move(made), std::move(dimensions));
      } catch (const std::exception&) {
        model.set_failure("the map could not be made");
        throw;
      }
      return nullptr;
    }));
  }
}

}  // namespace tvae::server
