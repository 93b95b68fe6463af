// The texts of a model's map: those that somebody names, that the model brings with it, or that it was trained on.
#pragma once

#include <string>

#include "tvae/data/reader.h"

namespace tvae {

/// A file, and how it is read; an empty path for none.
struct TextsFile {
  std::string path = {};
  ReadOptions read = {};
};

/// The texts that a model brings with it, a file of its folder: JSON lines {"text", "label"}.
inline constexpr char kCorpusFile[] = "corpus.jsonl";

/// The given file, the model's own, or, where there is neither, what its run was trained on, which an empty path stands
/// for. Throws as read_as_run.
TextsFile corpus_file(const std::string& model_directory, const std::string& given = {}, const ReadOptions& read = {});

/// Of such a file; bad rows are warned of. Throws what reading throws, or DataError where an empty path stands for
/// nothing that is there.
Rows corpus_rows(const std::string& model_directory, const TextsFile& file);

}  // namespace tvae
