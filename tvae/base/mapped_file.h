// A file's bytes without reading them: the system brings in what is looked at.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tvae {

/// Copies share the mapping, which lasts as long as one of them. What is mapped must not be shortened meanwhile: files
/// that write_file_atomically writes never are.
class MappedFile {
 public:
  /// Nothing where there is no such file, or it is empty or cannot be read.
  static std::optional<MappedFile> open(const std::string& path);
  std::string_view bytes() const { return {bytes_.get(), size_}; }

 private:
  MappedFile(std::shared_ptr<const char[]> bytes, size_t size) : bytes_(std::move(bytes)), size_(size) {}
  std::shared_ptr<const char[]> bytes_;
  size_t size_;
};

}  // namespace tvae
