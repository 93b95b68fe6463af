// How the data section of a configuration reads its files: the same in training and wherever a run's data is read
// again.
#pragma once

#include "tvae/config/run_config.h"
#include "tvae/data/data_file.h"
#include "tvae/data/reader.h"
#include "tvae/data/token_cache.h"

namespace tvae {

ReadOptions read_options(const DataConfig& data);
/// Of the training file, where the run has no other held-out texts.
HeldOutPart held_out_part(const DataConfig& data, int64_t seed);
TokenizeOptions tokenize_options(const DataConfig& data);

}  // namespace tvae
