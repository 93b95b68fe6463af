#include "tvae/train/run_directory.h"

#include <torch/version.h>

#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/config/presets.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kRunFile[] = "run.json";
const std::vector<std::string> kHarmlessKeys = {"train.log_steps", "train.save_steps", "data.cache_dir"};

/// What a run leaves behind; nothing else in the folder is touched.
const std::vector<std::string> kRunFiles = {"run.json", "config.json", "model.safetensors", "README.md",
                                            "checkpoint", "latent", "logs", "eval"};

}  // namespace

RunDirectory::RunDirectory(const std::string& path, StartMode mode) : path_(path) {
  make_directories(path);
  if (mode == StartMode::kNew && file_exists(file(kRunFile)))
    throw ConfigError(path + " already holds a run", "", "", "--resume continues it, --overwrite starts afresh");
  if (mode == StartMode::kOverwrite)
    for (const std::string& name : kRunFiles) {
      std::error_code error;
      std::filesystem::remove_all(file(name), error);
      if (error) throw DataError("cannot remove " + file(name), error.message());
    }
}

std::optional<RunConfig> RunDirectory::saved_config() const {
  if (!file_exists(file(kRunFile))) return std::nullopt;
  const Json json = Json::parse(read_file(file(kRunFile)), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("config")) throw CheckpointError(file(kRunFile) + " is damaged", "", "an object with a config");
  try {
    return run_config_from_json(json["config"]);
  } catch (const ConfigError& error) {
    throw CheckpointError(file(kRunFile) + ": " + error.what());
  }
}

void RunDirectory::require_same(const RunConfig& config) const {
  const auto saved = saved_config();
  if (!saved) return;
  std::vector<std::string> different;
  for (const std::string& key : differing_keys(*saved, config))
    if (std::find(kHarmlessKeys.begin(), kHarmlessKeys.end(), key) == kHarmlessKeys.end()) different.push_back(key);
  if (!different.empty())
    throw ConfigError("--resume with a different configuration", join(different, ", "), "the run's own values",
                      "leave presets and --set out to use them");
}

void RunDirectory::write_run(const RunConfig& config, const Json& data, const std::string& from) const {
  Json json = {{"version", TVAE_VERSION}, {"libtorch", TORCH_VERSION}, {"config", to_json(config)}, {"data", data}};
  if (!from.empty()) json["from"] = from;
  write_file_atomically(file(kRunFile), json.dump(2) + "\n");
}

}  // namespace tvae
