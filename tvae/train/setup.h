// From a configuration to what a trainer works on: tokenizer, token datasets, model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/base/progress.h"
#include "tvae/config/presets.h"
#include "tvae/data/data_file.h"
#include "tvae/data/token_cache.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/run_directory.h"
#include "tvae/run/run_record.h"
#include "tvae/train/pilot.h"

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
  LabelledSequences probe;             // what of `valid` the previews' probe is shown, or none
  RunRecord record = {};               // what run.json says, without how far the training is
  Rows split_off = {};                 // what was held out of the training file, in the order of `valid`
  std::optional<TimedPlan> plan = {};  // where the steps are those of train.minutes, by the speed of a pilot
};

/// A file of a resumed run is not where it was.
class MovedData : public DataError {
 public:
  explicit MovedData(const std::string& path) : DataError("the file " + path + " of this run is not there") {}
};

/// The files of a run, which are read once, and a tokenizer where one is there already.
struct TrainingInput {
  DataFile train;
  std::optional<DataFile> valid;  // not where it is split off
  std::optional<Tokenizer> tokenizer = {};
};
/// Throws where a file cannot be opened, before anything is announced.
TrainingInput open_training_files(const ResolvedConfig& resolved, const RunRecord* resumed);

/// The given tokenizer, else, for MNIST text, the one beside the training file, else one trained on its rows.
Tokenizer make_tokenizer(const DataConfig& data, DataFile& train, Progress& progress);

/// Throws ConfigError where settings of model and losses do not fit each other, before any work on the data.
void require_possible(const RunConfig& config);

/// Writes nothing into the run. `from`: a model directory whose weights and tokenizer the run starts from; empty =
/// fresh. A run that is being resumed keeps the tokenizer it made and, from its first checkpoint on, the model it has;
/// its rows must be those that it began with, at whatever place. `progress` hears of each of the longer pieces of work.
/// Throws ConfigError, DataError, CheckpointError.
TrainingSetup prepare_training(const ResolvedConfig& resolved, TrainingInput input, const std::string& from,
                               const RunDirectory& run, torch::Device device, Progress& progress = Progress::none());

/// The model section with what follows from the rest of a run: sizes and heads, but not the tokenizer's special ids.
ModelConfig complete_model_config(const RunConfig& config, int64_t vocabulary);

}  // namespace tvae
