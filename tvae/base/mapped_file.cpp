#include "tvae/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tvae {

std::optional<MappedFile> MappedFile::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct stat status {};
  const bool readable = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
  const auto size = static_cast<size_t>(status.st_size);
  void* const mapping = readable ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
  ::close(file);
  if (mapping == MAP_FAILED) return std::nullopt;
  return MappedFile(
      {static_cast<const char*>(mapping), [size](const char* bytes) { ::munmap(const_cast<char*>(bytes), size); }},
      size);
}

}  // namespace tvae
