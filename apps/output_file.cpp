#include "apps/output_file.h"

#include <algorithm>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/config/model_folder.h"

namespace tvae::apps {

void check_output_file(const std::string& path, const std::vector<std::string>& read) {
  if (path == "-") return;
  for (const std::string& source : read)
    if (source != "-" && same_file(path, source))
      throw ConfigError("the file to write", path, "another one than the file that is read");
  require_no_part_of_model(path);
}

void write_output(const std::string& path, const std::function<void()>& write) {
  const bool replaces = file_exists(path);
  write();
  if (replaces) log_info("replaced the former " + path);
}

void write_tokenizer(const Tokenizer& tokenizer, const std::string& folder) {
  const auto is_there = [&](const std::string& name) { return file_exists(folder + "/" + name); };
  const bool replaces = std::ranges::any_of(tokenizer_files(), is_there);
  tokenizer.save(folder);
  if (replaces) log_info("replaced the former tokenizer in " + folder);
}

}  // namespace tvae::apps
