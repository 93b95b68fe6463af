#include "tvae/corpus/file_list.h"

#include <algorithm>
#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {

std::vector<std::string> list_files(const std::vector<std::string>& paths, const std::string& extension,
                                    const std::vector<std::string>& skipped_folders) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!directory_exists(path)) {
      if (!file_exists(path)) throw DataError("no such file or folder", path);
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied);
    for (; entry != fs::recursive_directory_iterator(); ++entry) {
      const std::string name = entry->path().filename();
      if (entry->is_directory() && std::ranges::find(skipped_folders, name) != skipped_folders.end())
        entry.disable_recursion_pending();
      else if (entry->is_regular_file() && (extension.empty() || entry->path().extension() == extension))
        found.push_back(entry->path());
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace tvae
