// How the data section of a configuration reads its files: the same in training and wherever a run's data is read
// again.
#pragma once

#include <string>

#include "tvae/config/run_config.h"
#include "tvae/data/data_file.h"
#include "tvae/data/reader.h"
#include "tvae/data/token_cache.h"

namespace tvae {

ReadOptions read_options(const DataConfig& data);
/// Of another file than data.train: a held-out one, or one for a model of the run (fitted_options.h).
ReadOptions fit_options(const DataConfig& data);
/// Of the training file, where the run has no other held-out texts.
HeldOutPart held_out_part(const DataConfig& data, int64_t seed);
/// How to read a file of texts for a model: as its run read its own, fitted to the file (fitted_options.h), but for
/// what `given` says; a file with the ending of its training file is one of ids where that was. Of stdin ("-") the columns are not asked: it is lines. With `labels` the label column is that of
/// the run, too. The run's kHeldOutFile is known. Throws CheckpointError where run.json is damaged.
ReadOptions read_as_run(const std::string& model, const std::string& path, const ReadOptions& given,
                        bool labels = false);
TokenizeOptions tokenize_options(const DataConfig& data);

}  // namespace tvae
