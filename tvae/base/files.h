// Files: read whole, write atomically (temporary file, fsync, rename), open compressed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tvae/base/compression.h"

namespace tvae {

/// The whole file, "-" = stdin. Throws DataError naming the path and the system's reason, or where it is larger than
/// the memory that is free.
std::string read_file(const std::string& path);

/// Writes a file so that a kill at any moment leaves the old file or the new one, never a part: to a temporary file in
/// the same folder, fsync, rename, fsync of the folder. Creates parent folders. Throws DataError (unwritable, full
/// disk) and removes the temporary file.
void write_file_atomically(const std::string& path, std::string_view content);
/// The same, `write` being handed a sink to call with pieces of the content.
using Sink = std::function<void(std::string_view)>;
void write_file_atomically(const std::string& path, const std::function<void(const Sink&)>& write);

/// Removes the temporary files that killed processes left in a folder, and none that is still being written.
/// write_file_atomically does the same for the file that it writes.
void remove_unfinished_files(const std::string& folder);

/// Lines of a text file, plain or compressed (compression.h), "-" = stdin. Line ends are \n or \r\n, or \r where the
/// file has no others (told in a warning); they are stripped.
class LineReader {
 public:
  /// Throws DataError when the file cannot be opened.
  explicit LineReader(const std::string& path);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;
  /// False at the end. Throws DataError on a damaged compressed file.
  bool next(std::string& line);
  int64_t line_number() const;  // of the line last given, 1-based

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// What is told of a file whose carriage returns are its line ends (ends_lines_by_returns).
std::string returns_notice(const std::string& path);

/// The whole of a possibly compressed file ("-" = stdin), unpacked. Throws DataError.
std::string read_text_file(const std::string& path);
/// The same of bytes that were read from `path`. What unpacks to more than `most` bytes (half of the memory that is
/// free where nothing is given) is a DataError, so that a small file cannot take all of it.
std::string unpack(const std::string& path, std::string bytes, std::optional<uint64_t> most = std::nullopt);

/// A fast 64-bit hash for cache keys and fingerprints (not cryptographic). The same on every machine.
uint64_t hash_bytes(std::string_view bytes, uint64_t seed = 0);
std::string hex(uint64_t value);

void make_directories(const std::string& path);
bool file_exists(const std::string& path);
/// Whether the same can be read again, by another process too: no pipe, no device, no name such as /dev/stdin, which
/// is another file's in every process.
bool can_be_read_again(const std::string& path);
/// Throws DataError when write_file_atomically could not write there; leaves nothing behind.
void require_writable(const std::string& path);
/// Whether two paths lead to one file or folder; false where one of them leads nowhere.
bool same_file(const std::string& a, const std::string& b);
bool directory_exists(const std::string& path);

}  // namespace tvae
