#include "tvae/corpus/python_lines.h"

#include <algorithm>
#include <unordered_set>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/corpus/file_list.h"
#include "tvae/data/records.h"

namespace tvae {
namespace {

constexpr size_t kCheckedAtOnce = 1 << 14;

bool starts_as_text_or_comment(const std::string& line) {
  return line.front() == '"' || line.front() == '\'' || line.front() == '#';
}

}  // namespace

PythonLines gather_python_lines(const std::vector<std::string>& paths, const PythonLinesOptions& options,
                                ValidityCheck& python) {
  PythonLines result;
  const auto enough = [&] { return options.limit > 0 && static_cast<int64_t>(result.lines.size()) >= options.limit; };
  std::unordered_set<std::string> seen;
  std::vector<std::string> candidates;
  const auto check_candidates = [&] {
    const std::vector<bool> valid = python.valid(candidates);
    for (size_t i = 0; i < candidates.size() && !enough(); ++i)
      if (valid[i]) result.lines.push_back(std::move(candidates[i]));
    candidates.clear();
  };
  for (const std::string& file : list_files(paths, ".py", options.skipped_folders)) {
    if (enough()) break;
    ++result.files;
    for_each_line(read_text_file(file), [&](std::string_view source, int64_t) {
      const std::string line = strip(source);
      if (line.empty() || starts_as_text_or_comment(line)) return;
      if (!is_valid_utf8(line)) {
        ++result.not_utf8;
        return;
      }
      if (static_cast<int64_t>(utf8_characters(line).size()) > options.max_length) return;
      if (seen.insert(line).second) candidates.push_back(line);
    });
    if (candidates.size() >= kCheckedAtOnce) check_candidates();
  }
  check_candidates();
  return result;
}

}  // namespace tvae
