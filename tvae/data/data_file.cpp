#include "tvae/data/data_file.h"

#include <filesystem>
#include <utility>

#include "tvae/base/files.h"

namespace tvae {
namespace {

constexpr int64_t kRules = 2;  // raised where parse_rows would give other rows for the same bytes

}  // namespace

void DataFile::read() {
  if (fingerprint_) return;
  bytes_ = read_file(path_);
  uint64_t hash = hash_bytes(bytes_);
  for (const std::string& part :
       {std::filesystem::path(path_).filename().string(), options_.column, options_.label_column})
    hash = hash_bytes(part, hash);
  const int64_t numbers[] = {kRules, options_.escapes, options_.strict, options_.keep_empty, options_.quotes};
  fingerprint_ = hash_bytes({reinterpret_cast<const char*>(numbers), sizeof numbers}, hash);
}

uint64_t DataFile::fingerprint() {
  read();
  return *fingerprint_;
}

const Rows& DataFile::rows() {
  if (rows_) return *rows_;
  read();
  rows_ = parse_rows(path_, unpack(path_, std::exchange(bytes_, {})), options_);
  return *rows_;
}

}  // namespace tvae
