// What the first process of a run settles (files, settings, tokenizer, model) and the others take over from it, so that
// only the data has to be within reach of each.
#pragma once

#include <string>

#include "tvae/dist/communicator.h"
#include "tvae/train/checkpoint.h"
#include "tvae/train/setup.h"
#include "tvae/train/train.h"

namespace tvae {

/// Throws ConfigError, naming the process, where one was started with other presets, settings or another version.
void require_same_command(const TrainOptions& options, Communicator& communicator);

/// What the first process tells the others of its setup; they call shared_setup() meanwhile.
void share_setup(const TrainingSetup& setup, Communicator& communicator);
/// The setup of another process than the first. Throws DataError where its training file holds other rows. It has
/// nothing held out: that is the first process's.
TrainingSetup shared_setup(torch::Device device, Communicator& communicator);

/// The checkpoint of the first process, or nullopt where it has none, in all.
std::optional<Checkpoint> shared_checkpoint(std::optional<Checkpoint> of_first, Communicator& communicator);

}  // namespace tvae
