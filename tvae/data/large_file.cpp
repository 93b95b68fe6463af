#include "tvae/data/large_file.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "tvae/base/compression.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/data/row_collector.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

bool is_plain_file_of_lines(const std::string& path, const ReadOptions& options) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || without_compression_suffix(path) != path) return false;
  if (!options.format.empty()) return *format_named(options.format) == RowFormat::kLines;
  if (const auto by_name = format_by_name(path)) return *by_name == RowFormat::kLines;
  return options.column.empty() && options.label_column.empty();
}

[[noreturn]] void cannot_read(const std::string& path) {
  throw DataError("cannot read " + path);
}

/// Reads on to the end of a line: the place after it, or that of the end of the file.
uint64_t after_line(std::ifstream& file, uint64_t place, std::string* kept) {
  std::string line;
  file.clear();
  file.seekg(static_cast<std::streamoff>(place));
  if (!std::getline(file, line)) return place;
  const bool whole = !file.eof();
  if (kept != nullptr) *kept += line + (whole ? "\n" : "");
  return place + line.size() + (whole ? 1 : 0);
}

}  // namespace

std::vector<FilePart> parts_of_large_files(const std::vector<std::string>& files, const ReadOptions& options,
                                           const LargeFileLimits& limits) {
  std::vector<FilePart> parts;
  uint64_t all = 0;
  for (const std::string& path : files) {
    if (!is_plain_file_of_lines(path, options)) return {};
    std::error_code error;
    const uint64_t size = fs::file_size(path, error);
    if (error) cannot_read(path);
    all += size;
    for (uint64_t begin = 0; begin < size; begin += limits.part_bytes)
      parts.push_back({path, begin, std::min(size, begin + limits.part_bytes)});
  }
  return all > limits.most_bytes ? parts : std::vector<FilePart>();
}

std::string read_part(const FilePart& part) {
  std::ifstream file(part.path, std::ios::binary);
  if (!file) cannot_read(part.path);
  // A line that begins before the part belongs to the one before, also where it ends at its first byte.
  const uint64_t begin = part.begin == 0 ? 0 : after_line(file, part.begin - 1, nullptr);
  if (begin >= part.end) return "";
  std::string text(part.end - begin, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(begin));
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) cannot_read(part.path);
  if (text.back() != '\n') after_line(file, part.end, &text);
  return text;
}

uint64_t fingerprint_of_large_files(const std::vector<std::string>& files) {
  uint64_t hash = 0;
  for (const std::string& path : files) {
    std::error_code error;
    const int64_t numbers[] = {static_cast<int64_t>(fs::file_size(path, error)),
                               static_cast<int64_t>(fs::last_write_time(path, error).time_since_epoch().count())};
    if (error) cannot_read(path);
    hash = hash_bytes({reinterpret_cast<const char*>(numbers), sizeof numbers}, hash);
  }
  return hash;
}

}  // namespace tvae
