// OUT as a run: which configuration it has, whether it may be started, resumed or overwritten (manual.md 2 and 3).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tvae/config/run_config.h"

namespace tvae {

enum class StartMode { kNew, kResume, kOverwrite };

class RunDirectory {
 public:
  /// Makes the folder. One that already holds a run or a model is refused unless mode says otherwise. Throws
  /// ConfigError, DataError (unwritable).
  RunDirectory(const std::string& path, StartMode mode);
  /// What the constructor made goes away again if it stayed empty: a refused command leaves no trace.
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// Throws ConfigError where `source`, which a command reads, is this folder.
  void require_apart_from(const std::string& source) const;
  /// To overwrite: removes what the former run left. Comes after everything that may still refuse the command.
  void clear() const;

  /// Whether a run is being resumed that came as far as write_run().
  bool resumes() const;
  /// The configuration of the run that is being resumed, and the model it started from ("" = none).
  std::optional<RunConfig> saved_config() const;
  std::string saved_from() const;
  /// What the card of the run that is being resumed says of that model.
  std::string saved_past() const;
  /// Throws ConfigError naming the keys in which `config` differs from the saved one, except those that do not shape
  /// the result (how often to log and save, where the cache lies), and another --from; "" = the saved one.
  void require_same(const RunConfig& config, const std::string& from) const;
  void write_run(const RunConfig& config, const nlohmann::ordered_json& data, const std::string& from,
                 const std::string& past) const;

 private:
  nlohmann::ordered_json saved_run() const;
  std::string saved_text(const char* key) const;

  std::string path_;
  StartMode mode_;
  std::vector<std::string> made_;  // folders, outermost first
};

}  // namespace tvae
