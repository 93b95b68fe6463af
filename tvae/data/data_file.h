// A file of training data, read once however often it is asked: pipes can be read no second time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tvae/data/reader.h"

namespace tvae {

/// Reads nothing before it is asked. Errors are those of read_rows.
class DataFile {
 public:
  DataFile(std::string path, const ReadOptions& options) : path_(std::move(path)), options_(options) {}

  const std::string& path() const { return path_; }
  /// Of the file's bytes and of all that shapes the rows it gives.
  uint64_t fingerprint();
  const Rows& rows();

 private:
  void read();

  std::string path_;
  ReadOptions options_;
  std::optional<uint64_t> fingerprint_;
  std::string bytes_;  // until they are parsed
  std::optional<Rows> rows_;
};

}  // namespace tvae
