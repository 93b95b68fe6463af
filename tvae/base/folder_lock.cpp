#include "tvae/base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tvae/base/error.h"
#include "tvae/base/log.h"

namespace tvae {
namespace {

/// Whether the path still leads to the file that is open: its last owner removes it, perhaps after we opened it.
bool leads_to(const std::string& path, int descriptor) {
  struct stat at_path = {}, open_file = {};
  return ::stat(path.c_str(), &at_path) == 0 && ::fstat(descriptor, &open_file) == 0 &&
         at_path.st_dev == open_file.st_dev && at_path.st_ino == open_file.st_ino;
}

std::string owner_of(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size() - 1, 0);
  const std::string owner(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  const std::string digits = owner.substr(0, owner.find_first_not_of("0123456789"));
  return digits.empty() ? "another process" : "process " + digits;
}

}  // namespace

FolderLock::FolderLock(const std::string& folder) : path_(folder + "/.lock") {
  for (;;) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw DataError("cannot write " + path_ + ": " + std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      const std::string owner = owner_of(descriptor_);
      ::close(descriptor_);
      throw ConfigError(folder + " is being written by " + owner, "", "", "wait until it has ended, or stop it");
    }
    if (leads_to(path_, descriptor_)) break;
    ::close(descriptor_);
  }
  const std::string id = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, id.data(), id.size(), 0) < 0) {
    // A full disk: the message of others names no process then, and the lock holds all the same.
  }
}

std::unique_ptr<FileLock> FileLock::take(const std::string& path, const std::string& why, Progress& progress) {
  constexpr std::chrono::milliseconds kPace{100};
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  for (bool told = false;;) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) return nullptr;
    auto lock = std::unique_ptr<FileLock>(new FileLock(path, descriptor, /*owned=*/false));
    while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      if (!std::exchange(told, true)) log_info("waiting: " + why);
      progress.update("waiting for another process", 0, 0);
      std::this_thread::sleep_for(kPace);
    }
    lock->owned_ = leads_to(path, descriptor);
    if (lock->owned_) return lock;
  }
}

FileLock::~FileLock() {
  if (owned_ && leads_to(path_, descriptor_)) ::unlink(path_.c_str());
  ::close(descriptor_);
}

void FolderLock::follow(const std::string& folder) {
  path_ = folder + "/.lock";
}

FolderLock::~FolderLock() {
  if (leads_to(path_, descriptor_)) ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace tvae
