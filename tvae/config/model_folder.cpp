#include "tvae/config/model_folder.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

/// Folders of a model in which every file is its own.
const std::set<std::string> kClosedFolders = {"checkpoint", "latent", "logs"};

bool is_model_config(const std::string& path) {
  if (!file_exists(path)) return false;
  const auto config = parse_json(read_file(path));
  return config.is_object() && config.contains("model_type");
}

}  // namespace

const std::vector<std::string>& model_files() {
  static const std::vector<std::string> names = {"config.json", "checkpoint",         "logs",     "latent",
                                                 "eval",        "README.md",          "run.json", "model.safetensors",
                                                 kHeldOutFile,  kImportedSettingsFile};
  return names;
}

const std::vector<std::string>& tokenizer_files() {
  static const std::vector<std::string> names = {"tokenizer_config.json",
                                                 "tokenizer.json",
                                                 "special_tokens_map.json",
                                                 "spiece.model",
                                                 "vocab.json",
                                                 "merges.txt",
                                                 "vocab.txt"};
  return names;
}

bool belongs_to_model(const std::string& name) {
  const auto in = [&name](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return in(model_files()) || in(tokenizer_files()) || name == ".lock" || name.starts_with(kNewModel) ||
         name == kMovingModel;
}

/// Also where it is what an earlier version left of one when it was killed between two files.
bool holds_model(const std::string& folder) {
  if (file_exists(folder + "/run.json")) return true;
  const bool weights = file_exists(folder + "/model.safetensors");
  const bool tokenizer = file_exists(folder + "/tokenizer_config.json");
  const std::string config = folder + "/config.json";
  std::error_code unreadable;
  const bool has_config = fs::symlink_status(config, unreadable).type() != fs::file_type::not_found && !unreadable;
  if (!has_config) return weights && tokenizer;
  return is_model_config(config) && (weights || tokenizer);
}

void require_no_part_of_model(const std::string& file) {
  std::error_code error;
  const fs::path path = fs::weakly_canonical(fs::absolute(file, error), error);
  if (error) return;  // nothing is there
  bool own = file_exists(file) && belongs_to_model(path.filename()) && holds_model(path.parent_path());
  for (fs::path folder = path.parent_path(); folder.has_relative_path() && !own; folder = folder.parent_path())
    own = kClosedFolders.contains(folder.filename()) && holds_model(folder.parent_path());
  if (own) throw ConfigError("the file to write", file, "another one than the model's own");
}

}  // namespace tvae
