// Compressed files: which formats are read, and how.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tvae {

/// One format of compression, at work on one file. A file may be several compressed streams one after another.
class Decompressor {
 public:
  struct Step {
    size_t consumed = 0;
    size_t produced = 0;
  };
  virtual ~Decompressor() = default;
  /// Unpacks a part of `input` into `output`. Throws std::runtime_error with the reason where the input is damaged.
  virtual Step step(std::string_view input, bool input_ended, char* output, size_t size) = 0;
  /// Whether the input may end here.
  virtual bool complete() const = 0;
};

/// What unpacks a file: .gz, .xz and .zst by the ending of its name, in either case; where the name does not tell, by
/// its first bytes, which are no text in any of these formats. Null where the file is not compressed. .gz files may be
/// several members, with zero bytes behind them, as gzip takes them.
/// Throws DataError, which names the format, for archives and for compression that is not read (.bz2, .zip, .tar, ...).
std::unique_ptr<Decompressor> make_decompressor(const std::string& path, std::string_view first_bytes);

/// The path without an ending of compression: the name whose extension tells the format.
std::string without_compression_suffix(const std::string& path);

}  // namespace tvae
