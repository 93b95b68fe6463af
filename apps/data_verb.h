// The verb `tvae data`: one file a data set, which registers it as a verb below that one (CONTRIBUTING.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/verb.h"
#include "tvae/data/reader.h"

namespace tvae::apps {

Registry<SetUpVerb>& data_makers();

using WriteLine = std::function<void(const std::string& line)>;

/// Writes a file of lines ("-" = stdout) and says how many, and whether it replaced another.
void write_lines(const std::string& path, const CommonOptions& common,
                 const std::function<void(const WriteLine&)>& write);
void write_lines(const std::string& path, const CommonOptions& common, const std::vector<std::string>& lines);

/// How a data set is divided into what is trained on and what is held out.
struct SplitOptions {
  std::string out;  // folder
  double valid_fraction = 0.02;
};
void add_split_options(CLI::App& command, SplitOptions& options);

/// What makers of data sets out of one table ask for.
struct TableOptions {
  std::string path;
  ReadOptions read;
  SplitOptions split;
};

/// Writes OUT/train.EXTENSION and OUT/valid.EXTENSION; a line's side depends on its text and --seed alone. Lines that
/// came before are left out. Throws DataError where there are none (`what` names them), ConfigError where one of the
/// files that were `read` would be replaced.
void write_split(const SplitOptions& options, const std::vector<std::string>& read, const std::string& extension,
                 const std::string& what, const CommonOptions& common, const std::vector<std::string>& lines);

}  // namespace tvae::apps
