// What a folder with a run or model holds (docs/model_folder.md), by name.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// The rows that were held out of a run's training file, as JSON lines {"text", "label"}.
inline constexpr char kHeldOutFile[] = "held_out.jsonl";
/// The settings that an imported model was made with.
inline constexpr char kImportedSettingsFile[] = "import.json";

/// A new model that is to take the place of an old one is filled in a folder with a process behind the first name,
/// bears that name once it is complete, and the second once the old one is gone (run/run_directory.h).
inline constexpr char kNewModel[] = ".new", kMovingModel[] = ".moving";

/// What a run or model is made of but for its tokenizer: files and folders.
const std::vector<std::string>& model_files();
const std::vector<std::string>& tokenizer_files();
/// Whether a name in a model's folder is one of these, or one that its writers use.
bool belongs_to_model(const std::string& name);

/// Whether a folder is a run or a model.
bool holds_model(const std::string& folder);
/// Throws ConfigError where a file that a command is to write is one of those that a run or model is made of.
void require_no_part_of_model(const std::string& file);

}  // namespace tvae
