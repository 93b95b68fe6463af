#include "tvae/run/run_directory.h"

#include <torch/version.h>

#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kRunFile[] = "run.json";
const std::vector<std::string> kHarmlessKeys = {"train.log_steps",       "train.save_steps",   "train.previews",
                                                "train.preview_samples", "train.preview_path", "train.preview_probe",
                                                "data.cache_dir"};

/// What a run leaves behind; nothing else in the folder is touched. Removed in this order: without its checkpoint a run
/// starts anew, so that an interrupted removal mixes nothing.
const std::vector<std::string> kRunFiles = {"checkpoint",        "logs",        "latent", "eval", "README.md",
                                            "model.safetensors", "config.json", kRunFile};

/// The folders that are missing on the way to `path`, outermost first.
std::vector<std::string> missing_folders(const std::string& path) {
  std::vector<std::string> missing;
  for (std::filesystem::path folder = path; !folder.empty() && !directory_exists(folder); folder = folder.parent_path())
    missing.insert(missing.begin(), folder);
  return missing;
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

/// Whether the folder is the program's, so that --overwrite may clear it.
bool holds_run_or_model(const std::string& folder) {
  if (file_exists(folder + "/run.json")) return true;
  if (!file_exists(folder + "/config.json")) return false;
  const Json config = parse_json(read_file(folder + "/config.json"));
  return config.is_object() && config.contains("model_type") && file_exists(folder + "/model.safetensors");
}

}  // namespace

RunDirectory::RunDirectory(const std::string& path, StartMode mode) : path_(path), mode_(mode) {
  if (path.empty()) throw ConfigError("--out", "nothing", "a folder");
  if (mode == StartMode::kNew && file_exists(file(kRunFile)))
    throw ConfigError(path + " already holds a run", "", "", "--resume continues it, --overwrite starts afresh");
  if (mode == StartMode::kNew && file_exists(file("config.json")))
    throw ConfigError(path + " already holds a model", "", "", "--overwrite replaces it");
  if (!holds_run_or_model(path))
    for (const std::string& name : kRunFiles)
      if (exists(file(name)))
        throw ConfigError(path + " holds files that are no run's", name, "an empty folder, or that of a run or model");
  if (resumes() && saved_run().contains("weights"))
    throw ConfigError(path + " holds a rounded model, no run", saved_run()["weights"].dump(), "",
                      "--from it starts a run in another folder");
  made_ = missing_folders(path);
  make_directories(path);
  if (mode != StartMode::kNew)
    for (const char* folder : {"", "checkpoint", "logs"}) remove_unfinished_files(file(folder));
}

RunDirectory::~RunDirectory() {
  std::error_code not_empty;
  for (auto folder = made_.rbegin(); folder != made_.rend() && !not_empty; ++folder)
    std::filesystem::remove(*folder, not_empty);
}

void RunDirectory::require_apart_from(const std::string& source) const {
  namespace fs = std::filesystem;
  std::error_code absent;
  const fs::path out = fs::weakly_canonical(path_, absent), read = fs::weakly_canonical(source, absent);
  if (std::mismatch(out.begin(), out.end(), read.begin(), read.end()).first == out.end())
    throw ConfigError("--out", path_, "another folder than the one that is read, and not one around it");
}

void RunDirectory::clear() const {
  if (mode_ != StartMode::kOverwrite) return;
  for (const std::string& name : kRunFiles) {
    std::error_code error;
    std::filesystem::remove_all(file(name), error);
    if (error) throw DataError("cannot remove " + file(name), error.message());
  }
}

bool RunDirectory::resumes() const {
  return mode_ == StartMode::kResume && file_exists(file(kRunFile));
}

Json RunDirectory::saved_run() const {
  const Json json = parse_json(read_file(file(kRunFile)));
  if (!json.is_object() || !json.contains("config"))
    throw CheckpointError(file(kRunFile) + " is damaged", "", "an object with a config");
  return json;
}

std::optional<RunConfig> RunDirectory::saved_config() const {
  if (!resumes()) return std::nullopt;
  try {
    return run_config_from_json(saved_run()["config"]);
  } catch (const ConfigError& error) {
    throw CheckpointError(file(kRunFile) + ": " + error.what());
  }
}

std::string RunDirectory::saved_text(const char* key) const {
  const Json json = resumes() ? saved_run() : Json();
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

std::string RunDirectory::saved_from() const {
  return saved_text("from");
}

std::string RunDirectory::saved_past() const {
  return saved_text("past");
}

void RunDirectory::require_same(const RunConfig& config, const std::string& from) const {
  const auto saved = saved_config();
  if (!saved) return;
  std::vector<std::string> different;
  for (const std::string& key : differing_keys(*saved, config))
    if (std::find(kHarmlessKeys.begin(), kHarmlessKeys.end(), key) == kHarmlessKeys.end()) different.push_back(key);
  if (!from.empty() && from != saved_from()) different.push_back("--from");
  if (!different.empty())
    throw ConfigError("--resume with a different configuration", join(different, ", "), "the run's own values",
                      "leave presets and --set out to use them");
}

void RunDirectory::write_run(const RunConfig& config, const Json& data, const std::string& from,
                             const std::string& past) const {
  Json json = {{"version", TVAE_VERSION}, {"libtorch", TORCH_VERSION}, {"config", to_json(config)}, {"data", data}};
  if (!from.empty()) json["from"] = from;
  if (!past.empty()) json["past"] = past;
  write_file_atomically(file(kRunFile), json.dump(2) + "\n");
}

}  // namespace tvae
