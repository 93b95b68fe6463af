// Single lines of Python out of source files: the dataset "python-lines" of the original experiments, from local files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tvae/validity/validity.h"

namespace tvae {

struct PythonLinesOptions {
  int64_t max_length = 125;                       // characters
  int64_t limit = 0;                              // stop at so many lines; 0 = all
  std::vector<std::string> skipped_folders = {};  // names, as site-packages
};

struct PythonLines {
  std::vector<std::string> lines;
  int64_t files = 0;
  int64_t not_utf8 = 0;  // lines left out for it
};

/// The lines of the files, and of all *.py files in the folders (in sorted order), each stripped, kept where it parses
/// on its own, is no longer than max_length, does not start with a quote or "#", and has not come before. Throws
/// DataError where a path does not exist.
PythonLines gather_python_lines(const std::vector<std::string>& paths, const PythonLinesOptions& options,
                                ValidityCheck& python);

}  // namespace tvae
