#include "tvae/corpus/file_list.h"

#include <algorithm>
#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNamedEntries = 3;  // in a warning

/// Walks folders, keeping what cannot be looked at apart: it must not end a walk of hours.
class FolderWalk {
 public:
  FolderWalk(const std::string& extension, const std::vector<std::string>& skipped_folders)
      : extension_(extension), skipped_folders_(skipped_folders) {}

  /// The files below a folder that the user named. Throws DataError where it cannot be read.
  std::vector<std::string> files_below(const std::string& folder) {
    files_.clear();
    if (const std::error_code error = enter(folder))
      throw DataError("cannot read the folder " + folder + ": " + error.message());
    std::sort(files_.begin(), files_.end());
    return files_;
  }

  /// Warns of what was left out.
  void report() const {
    if (left_out_ == 0) return;
    log_warning(std::to_string(left_out_) + (left_out_ == 1 ? " entry is" : " entries are") +
                " left out, which cannot be read: " + named_ + (left_out_ > kNamedEntries ? ", ..." : ""));
  }

 private:
  std::error_code enter(const fs::path& folder) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
      visit(*entry);
    return error;
  }

  void visit(const fs::directory_entry& entry) {
    std::error_code error;
    const std::string name = entry.path().filename();
    const fs::file_status status = entry.status(error);  // of what a link leads to
    if (fs::is_directory(status)) {
      // A link to a folder may lead back, so none is followed.
      if (entry.is_symlink(error) || std::ranges::find(skipped_folders_, name) != skipped_folders_.end()) return;
      if (const std::error_code unreadable = enter(entry.path())) leave_out(entry.path(), unreadable);
    } else if (!fs::status_known(status)) {
      leave_out(entry.path(), error);
    } else if (fs::is_regular_file(status) && has_extension(name)) {
      files_.push_back(entry.path());
    }
  }

  /// Of the name under an ending of compression.
  bool has_extension(const std::string& name) const {
    return extension_.empty() || fs::path(without_compression_suffix(name)).extension() == extension_;
  }

  void leave_out(const fs::path& path, const std::error_code& error) {
    if (left_out_++ < kNamedEntries)
      named_ += (named_.empty() ? "" : ", ") + path.string() + " (" + error.message() + ")";
  }

  std::string extension_;
  std::vector<std::string> skipped_folders_;
  std::vector<std::string> files_;
  size_t left_out_ = 0;
  std::string named_;
};

}  // namespace

std::vector<std::string> list_files(const std::vector<std::string>& paths, const std::string& extension,
                                    const std::vector<std::string>& skipped_folders) {
  FolderWalk walk(extension, skipped_folders);
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!directory_exists(path)) {
      if (!file_exists(path)) throw DataError("no such file or folder", path);
      files.push_back(path);
      continue;
    }
    const std::vector<std::string> found = walk.files_below(path);
    files.insert(files.end(), found.begin(), found.end());
  }
  walk.report();
  return files;
}

}  // namespace tvae
