// From a configuration to what a trainer works on: tokenizer, token datasets, model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/base/progress.h"
#include "tvae/config/presets.h"
#include "tvae/data/token_cache.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/run_directory.h"
#include "tvae/run/run_record.h"

namespace tvae {

struct LabelledSequences {
  std::vector<int64_t> sequences;  // indices into a dataset
  std::vector<std::string> labels;
};

/// What a trainer works on.
struct TrainingSetup {
  RunConfig config;
  Model model;
  TokenDataset train;
  std::optional<TokenDataset> valid;
  LabelledSequences probe;  // what of `valid` the previews' probe is shown, or none
  RunRecord record = {};    // what run.json says, without how far the training is
};

/// A file of a resumed run is not where it was.
class MovedData : public DataError {
 public:
  explicit MovedData(const std::string& path) : DataError("the file " + path + " of this run is not there") {}
};

/// Writes nothing into the run. `from`: a model directory whose weights and tokenizer the run starts from; empty =
/// fresh. A run that is being resumed keeps the tokenizer it made and, from its first checkpoint on, the model it has;
/// its rows must be those that it began with, at whatever place. `progress` hears of each of the longer pieces of work.
/// Throws ConfigError, DataError, CheckpointError.
TrainingSetup prepare_training(const ResolvedConfig& resolved, const std::string& from, const RunDirectory& run,
                               torch::Device device, Progress& progress = Progress::none());

/// The model section with what follows from the rest of a run: sizes and heads, but not the tokenizer's special ids.
ModelConfig complete_model_config(const RunConfig& config, int64_t vocabulary);

}  // namespace tvae
