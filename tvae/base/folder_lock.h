// One writer a folder: a lock for the life of a run.
#pragma once

#include <string>

namespace tvae {

/// Keeps every other writer out of a folder for as long as the object lives: an exclusive flock(2) on FOLDER/.lock, in
/// which the id of the process stands for the message to the others. The system drops the lock when its process ends,
/// however it ends, so that a file left behind by a killed process is no obstacle.
class FolderLock {
 public:
  /// The folder must be there. Throws ConfigError naming the process that holds the lock, DataError where the folder
  /// cannot be written. A file system that knows no locks is written without one.
  explicit FolderLock(const std::string& folder);
  /// Removes the file too: an idle folder holds nothing of it.
  ~FolderLock();
  /// The folder has another name now.
  void follow(const std::string& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace tvae
