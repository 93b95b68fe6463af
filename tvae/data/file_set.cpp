#include "tvae/data/file_set.h"

#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

constexpr std::string_view kSpecial = "*?[";  // of patterns

/// A folder's name in a pattern.
std::string escaped(const std::string& name) {
  std::string text;
  for (const char c : name)
    text += c == '\\' || kSpecial.find(c) != std::string_view::npos ? std::string("\\") + c : std::string(1, c);
  return text;
}

/// Throws DataError where there are none.
std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  const int status = glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  std::erase_if(files, directory_exists);
  if (status != 0 || files.empty()) throw DataError("cannot read " + pattern, "no file of such a name");
  return files;
}

/// The file that stdin is redirected from, which can be read again under its name; else its name as a pipe.
std::string path_of_stdin() {
  const std::string pipe = "/dev/stdin";
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(pipe, error);
  if (error || !can_be_read_again(file)) return pipe;
  if (lseek(STDIN_FILENO, 0, SEEK_CUR) > 0)  // under its name it would be read from its beginning
    throw ConfigError("stdin", "the file " + file.string() + ", of which a part has been read",
                      "a whole file, or a pipe");
  return file;
}

}  // namespace

std::vector<std::string> files_of(const std::string& path) {
  if (path.empty() || path == "-" || file_exists(path)) return {path};
  std::vector<std::string> files;
  std::set<std::string> known;
  const auto add = [&](const std::string& file) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(file, error);
    if (known.insert(error ? file : real.string()).second) files.push_back(file);
  };
  for (const std::string& part : split(path, kBetweenFiles)) {
    if (file_exists(part) || part.find_first_of(kSpecial) == std::string::npos)
      add(part);
    else
      for (const std::string& file : matches(part)) add(file);
  }
  return files;
}

std::string absolute_files(const std::string& path) {
  if (path.empty()) return path;
  std::vector<std::string> parts = file_exists(path) ? std::vector<std::string>{path} : split(path, kBetweenFiles);
  for (std::string& part : parts) {
    if (part.empty()) throw ConfigError("files to read", "\"" + path + "\", which has an empty name", "names of files");
    if (part == "-") {
      part = path_of_stdin();
      continue;
    }
    const bool pattern = !file_exists(part) && part.find_first_of(kSpecial) != std::string::npos;
    const std::filesystem::path here = std::filesystem::current_path();
    if (std::filesystem::path(part).is_relative())
      part = (pattern ? std::filesystem::path(escaped(here)) : here) / part;
    if (!pattern) part = std::filesystem::path(part).lexically_normal();
  }
  return join(parts, std::string(1, kBetweenFiles));
}

void require_no_folder(const std::string& path) {
  if (!directory_exists(path)) return;
  throw DataError("cannot read " + path, "a folder", "a file of rows",
                  "'" + path +
                      "/*.txt' takes its files, a row a line; whole documents go into one .jsonl, {\"text\": "
                      "...} a line");
}

bool files_can_be_read_again(const std::string& path) {
  try {
    const std::vector<std::string> files = files_of(path);
    return std::all_of(files.begin(), files.end(), can_be_read_again);
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace tvae
