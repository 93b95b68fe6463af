// Files of lines that are larger than what is read into memory at once, in parts that can be read by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tvae/data/reader.h"

namespace tvae {

/// The lines that begin in the bytes [begin, end) of a plain file.
struct FilePart {
  std::string path;
  uint64_t begin = 0, end = 0;
};

struct LargeFileLimits {
  uint64_t most_bytes = uint64_t{1} << 30;  // of files that are read whole
  uint64_t part_bytes = uint64_t{1} << 24;  // about so many a part
};

/// The parts of files that are large together; empty where they are not, or one of them is no plain file of lines:
/// compressed files, tables and pipes are read whole. Throws DataError for files that cannot be read.
std::vector<FilePart> parts_of_large_files(const std::vector<std::string>& files, const ReadOptions& options,
                                           const LargeFileLimits& limits);

/// Throws DataError.
std::string read_part(const FilePart& part);

/// Of names, sizes and times of change: of files that are too large to be read for it.
uint64_t fingerprint_of_large_files(const std::vector<std::string>& files);

}  // namespace tvae
