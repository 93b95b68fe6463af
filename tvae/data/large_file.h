// Files of lines that are larger than what is read into memory at once, in parts that can be read by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tvae/data/reader.h"

namespace tvae {

/// The lines that begin in the bytes [begin, end) of a plain file; or the whole of a file of ids (pretokenized.h).
struct FilePiece {
  std::string path;
  uint64_t begin = 0, end = 0;
};
/// What is read at once: a piece of a large file, or several small ones.
using FilePart = std::vector<FilePiece>;

struct LargeFileLimits {
  uint64_t most_bytes = uint64_t{1} << 30;  // of files that are read whole
  uint64_t part_bytes = uint64_t{1} << 24;  // about so many a part
};

/// The parts of files that are large together; empty where they are not, or one of them is no plain file of lines:
/// compressed files, tables, pipes, and files without a line feed in the first part are read whole. Throws DataError
/// for files that cannot be read.
std::vector<FilePart> parts_of_large_files(const std::vector<std::string>& files, const ReadOptions& options,
                                           const LargeFileLimits& limits);

/// Throws DataError, also for a line that is longer than a part should be.
std::string read_piece(const FilePiece& piece);

/// Of names, sizes and times of change: of files that are too large to be read for it.
uint64_t fingerprint_of_large_files(const std::vector<std::string>& files);

}  // namespace tvae
