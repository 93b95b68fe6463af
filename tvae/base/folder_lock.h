// One writer a folder: a lock for the life of a run; and locks that are waited for.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "tvae/base/progress.h"

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

/// An exclusive flock(2) on a file of its own, for work that one process does while others wait for it.
class FileLock {
 public:
  /// Makes the file, with its folders, and waits for the lock; where it has to, `why` is told first (log_info), and
  /// `progress` may end it. nullptr where the file cannot be written.
  static std::unique_ptr<FileLock> take(const std::string& path, const std::string& why,
                                        Progress& progress = Progress::none());
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  FileLock(std::string path, int descriptor, bool owned)
      : path_(std::move(path)), descriptor_(descriptor), owned_(owned) {}
  std::string path_;
  int descriptor_;
  bool owned_;
};

}  // namespace tvae
