#include "tvae/run/run_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/config/model_folder.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

// A new model is filled under the first name with the process behind it; the others are told in config/model_folder.h.
constexpr char kFilling[] = ".new.";

bool exists(const std::string& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found && !error;
}

void remove(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw DataError("cannot remove " + path + ": " + error.message());
}

void rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw DataError("cannot write " + to + ": " + error.message());
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    names.push_back(entry->path().filename());
  if (error) throw DataError("cannot read " + folder + ": " + error.message());
  return names;
}

/// Puts a complete new model in the place of the old one. Can be broken off anywhere and called again. Nothing else in
/// the folder is touched. Without its config.json it is no model, so that goes first and comes last: no moment shows a
/// mixture.
void settle(const std::string& folder) {
  const std::string complete = folder + "/" + kNewModel, moving = folder + "/" + kMovingModel;
  if (exists(complete)) {
    for (const std::string& name : model_files()) remove(folder + "/" + name);
    for (const std::string& name : tokenizer_files()) remove(folder + "/" + name);
    rename(complete, moving);
  }
  if (!exists(moving)) return;
  std::vector<std::string> names = names_in(moving);
  std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return name != "config.json"; });
  for (const std::string& name : names) rename(moving + "/" + name, folder + "/" + name);
  remove(moving);
}

/// What a folder and the one that takes its place are both called, apart from the process that writes.
std::string beside(const fs::path& folder) {
  return folder.parent_path() / ("." + folder.filename().string() + kFilling);
}

/// Removes a folder that `folder` has exchanged its name with, or was to, and brings back what others have in it.
void remove_exchanged(const std::string& exchanged, const std::string& folder) {
  for (const std::string& name : names_in(exchanged))
    if (!belongs_to_model(name) && !exists(folder + "/" + name)) rename(exchanged + "/" + name, folder + "/" + name);
  remove(exchanged);
}

/// Gives a complete new folder the name of the old one, with its rights, in one step; false where that cannot be done.
bool exchange(const std::string& complete, const fs::path& folder) {
  struct stat rights = {};
  if (::stat(folder.c_str(), &rights) != 0 || ::chmod(complete.c_str(), rights.st_mode) != 0) return false;
  if (::chown(complete.c_str(), rights.st_uid, rights.st_gid) != 0 && rights.st_uid != ::geteuid()) return false;
  return ::renameat2(AT_FDCWD, complete.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0;
}

/// Finishes a new model that a killed process completed, and removes the one that it did not, and its unfinished files.
void clean_up(const std::string& folder) {
  settle(folder);
  const fs::path whole = fs::canonical(folder);
  const std::string start = fs::path(beside(whole)).filename();
  const auto is_left_over = [&](const std::string& name) {  // and not that of a folder whose name goes on
    return name.starts_with(start) && name.find_first_not_of("0123456789", start.size()) == std::string::npos;
  };
  std::error_code error;  // a parent that cannot be listed has nothing of ours
  for (auto entry = fs::directory_iterator(whole.parent_path(), error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (is_left_over(entry->path().filename()) && directory_exists(entry->path()))
      remove_exchanged(entry->path(), folder);
  for (const std::string& name : names_in(folder))
    if (name.starts_with(kFilling)) remove(folder + "/" + name);
  for (const char* part : {"", "/checkpoint", "/logs", "/logs/images", "/latent", "/eval"})
    remove_unfinished_files(folder + part);
}

const std::string& named(const std::string& path) {
  if (path.empty()) throw ConfigError("the folder to write", "no name", "a folder");
  return path;
}

/// The folders that are missing on the way to `path`, outermost first.
std::vector<std::string> missing_folders(const std::string& path) {
  std::vector<std::string> missing;
  for (fs::path folder = path; !folder.empty() && !directory_exists(folder); folder = folder.parent_path())
    missing.insert(missing.begin(), folder);
  return missing;
}

/// Rather than a model without a run.json, or one with rounded weights.
bool holds_run(const std::string& folder) {
  try {
    const auto record = read_run_record(folder);
    return record && record->weights.empty();
  } catch (const Error&) {
    return true;  // a damaged one
  }
}

RunRecord run_to_resume(const std::string& folder) {
  RunRecord record = read_run_record(folder).value();
  if (!record.weights.empty())
    throw ConfigError(folder + " holds a rounded model, no run", record.weights, "",
                      "a run in another folder can start from it");
  if (!record.unknown_keys.empty())
    throw CheckpointError(folder + "/run.json: unknown key", join(record.unknown_keys, ", "));
  return record;
}

}  // namespace

MadeFolders::MadeFolders(const std::string& path) : made_(missing_folders(path)) {
  make_directories(path);
}

MadeFolders::~MadeFolders() {
  std::error_code not_empty;
  for (auto folder = made_.rbegin(); folder != made_.rend() && !not_empty; ++folder) fs::remove(*folder, not_empty);
}

RunDirectory::RunDirectory(const std::string& path, StartMode mode)
    : path_(named(path)), made_(path), lock_(std::make_unique<FolderLock>(path)) {
  clean_up(path);
  if (mode == StartMode::kNew)
    if (file_exists(file("run.json")) || file_exists(file("config.json"))) throw OccupiedFolder(path, holds_run(path));
  if (!holds_model(path))
    for (const std::string& name : model_files())
      if (exists(file(name)))
        throw ConfigError(path + " holds files that are no run's", name, "an empty folder, or that of a run or model");
  if (mode == StartMode::kResume && file_exists(file("run.json"))) resumed_ = run_to_resume(path);
}

void RunDirectory::require_apart_from(const std::string& source) const {
  if (source.empty()) return;
  std::error_code absent;
  const fs::path out = fs::weakly_canonical(path_, absent), read = fs::weakly_canonical(source, absent);
  if (std::mismatch(out.begin(), out.end(), read.begin(), read.end()).first == out.end())
    throw ConfigError("the folder to write", path_, "another folder than the one that is read, and not one around it");
}

void RunDirectory::replace(const std::function<void(const std::string& folder)>& write) {
  const std::string filling = file(kFilling) + std::to_string(::getpid());
  make_directories(filling);
  try {
    write(filling);
  } catch (...) {
    std::error_code ignored;  // the next writer removes it
    fs::remove_all(filling, ignored);
    throw;
  }
  const bool old = file_exists(file("config.json")), current = same_file(path_, ".");
  exchange_or_move(filling, old && !current);
  if (old) log_info("replaced the former model in " + path_);
}

void RunDirectory::exchange_or_move(const std::string& filling, bool can_exchange) {
  if (can_exchange) {
    const fs::path whole = fs::canonical(path_);
    const std::string aside = beside(whole) + std::to_string(::getpid());
    std::error_code error;
    fs::rename(filling, aside, error);  // fails where the folder is a file system of its own, or its parent is closed
    if (!error) {
      auto lock = std::make_unique<FolderLock>(aside);
      if (exchange(aside, whole)) {
        lock->follow(path_);
        lock_ = std::move(lock);
        return remove_exchanged(aside, path_);
      }
      lock.reset();
      rename(aside, filling);
    }
  }
  rename(filling, file(kNewModel));
  settle(path_);
}

}  // namespace tvae
