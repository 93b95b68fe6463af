// Files that verbs write. A file that is there already is replaced, once the new one is complete, and a line on stderr
// says so; runs and models are not, unless --overwrite says so (output_folder.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tvae/text/tokenizer.h"

namespace tvae::apps {

/// Throws ConfigError where `path` is one of the files that the verb reads ("-" is none), or one that a run or model is
/// made of. To be called before any work.
void check_output_file(const std::string& path, const std::vector<std::string>& read = {});

/// Runs `write`, which writes `path` (a file or folder), and says in a line that it replaced what was there.
void write_output(const std::string& path, const std::function<void()>& write);

/// Saves a tokenizer, and says in a line that it replaced another.
void write_tokenizer(const Tokenizer& tokenizer, const std::string& folder);

}  // namespace tvae::apps
