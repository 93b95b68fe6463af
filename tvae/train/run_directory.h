// OUT as a run: which configuration it has, whether it may be started, resumed or overwritten (manual.md 2 and 3).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tvae/config/run_config.h"

namespace tvae {

enum class StartMode { kNew, kResume, kOverwrite };

class RunDirectory {
 public:
  /// Makes the folder. A folder that already holds a run is refused unless mode says otherwise. Throws ConfigError,
  /// DataError (unwritable).
  RunDirectory(const std::string& path, StartMode mode);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// The configuration of the run that is being resumed, if one was written.
  std::optional<RunConfig> saved_config() const;
  /// Throws ConfigError naming the keys in which `config` differs from the saved one, except those that do not shape the
  /// result (how often to log and save, where the cache lies).
  void require_same(const RunConfig& config) const;
  void write_run(const RunConfig& config, const nlohmann::ordered_json& data, const std::string& from) const;

 private:
  std::string path_;
};

}  // namespace tvae
