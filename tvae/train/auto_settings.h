// The settings of a run whose user gives a file and nothing else: chosen from what the file holds (docs/auto.md).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/config/presets.h"
#include "tvae/data/data_file.h"
#include "tvae/ops/torch.h"
#include "tvae/text/tokenizer.h"
#include "tvae/train/pilot.h"

namespace tvae {

/// The preset that asks for this; its file holds what does not depend on the data.
inline const std::string kAutoPreset = "auto";
bool asks_for_auto(const std::vector<std::string>& presets);

inline constexpr size_t kToldTopic = 9;

struct AutoSettings {
  /// What was seen and what was chosen, for people: a topic, in kToldTopic characters, and what there is to say. At
  /// most ten.
  std::vector<std::string> told;
  nlohmann::ordered_json chosen = nlohmann::ordered_json::object();  // key → {"value", "reason"}
  std::optional<Tokenizer> tokenizer;                                // that was made on the way
  std::optional<TimedPlan> plan;                                     // where the steps are those of train.minutes
};

/// Reads the training file and sets in `resolved` what neither an assignment nor another preset has set: columns,
/// held-out share, check, tokenizer, longest sequence, rate and size of the code, size of the model, batch and steps.
/// With train.steps or train.epochs set nothing depends on the speed of the machine; else the steps are those of
/// train.minutes. Throws ConfigError (settings that exclude each other, before anything is read), DataError,
/// Interrupted.
AutoSettings choose_settings(ResolvedConfig& resolved, DataFile& train, torch::Device device,
                             Progress& progress = Progress::none());

}  // namespace tvae
