// A folder that a run, or another writer of whole models, owns: one writer at a time, and nothing half-written.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/base/folder_lock.h"
#include "tvae/run/run_record.h"

namespace tvae {

enum class StartMode { kNew, kResume, kOverwrite };

/// A folder that holds a run or a model already, and was to be a new one.
class OccupiedFolder : public ConfigError {
 public:
  OccupiedFolder(const std::string& folder, bool run)
      : ConfigError(folder + " already holds a " + (run ? "run" : "model")), holds_run(run) {}
  bool holds_run;
};

/// Folders made on the way to a path; those that stayed empty go away again at the end of the scope.
class MadeFolders {
 public:
  /// Throws DataError.
  explicit MadeFolders(const std::string& path);
  ~MadeFolders();
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;

 private:
  std::vector<std::string> made_;  // outermost first
};

class RunDirectory {
 public:
  /// Makes the folder and keeps other writers out of it (folder_lock.h). Finishes or removes what a killed process left
  /// unfinished in it. Throws OccupiedFolder where it holds a run or a model and `mode` is kNew, ConfigError for
  /// folders of others, a folder in use, or a rounded model to resume, and DataError (unwritable). A refused command
  /// leaves no trace.
  RunDirectory(const std::string& path, StartMode mode);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// Throws ConfigError where `source`, which a command reads, is this folder or lies in it.
  void require_apart_from(const std::string& source) const;

  /// The run that is being resumed; nullptr where there is none yet.
  const RunRecord* resumed() const { return resumed_ ? &*resumed_ : nullptr; }

  /// Has `write(folder)` fill a folder, and puts what is in it in the place of the run or model that was here. What
  /// throws leaves the old one as it was. A process that is killed leaves the old one or the new one, whole: two
  /// folders exchange their names in one step. Where they cannot (the folder is a mount point or the current one, or
  /// the file system does not know how), its entries are moved one by one, which the next writer finishes after a kill.
  /// Files of others stay. A line (base/log.h) says that a model was replaced.
  void replace(const std::function<void(const std::string& folder)>& write);

 private:
  /// Gives what is in the folder `filling` the place of what is here.
  void exchange_or_move(const std::string& filling, bool can_exchange);

  std::string path_;
  MadeFolders made_;
  std::unique_ptr<FolderLock> lock_;
  std::optional<RunRecord> resumed_;
};

}  // namespace tvae
