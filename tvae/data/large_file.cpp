#include "tvae/data/large_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "tvae/base/compression.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/data/row_collector.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

bool can_be_read_in_parts(const std::string& path, const ReadOptions& options) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || without_compression_suffix(path) != path) return false;
  if (!options.tokens.empty()) return true;
  if (!options.format.empty()) return *format_named(options.format) == RowFormat::kLines;
  if (const auto by_name = format_by_name(path)) return *by_name == RowFormat::kLines;
  return options.column.empty() && options.label_column.empty();
}

[[noreturn]] void cannot_read(const std::string& path) {
  throw DataError("cannot read " + path);
}

/// Reads on from `place` to the end of a line: the bytes up to it, its end included where there is one.
std::string rest_of_line(std::ifstream& file, uint64_t place, const std::string& path) {
  constexpr size_t kLongest = 64 << 20, kStep = 1 << 16;
  std::string rest, step(kStep, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(place));
  while (file) {
    file.read(step.data(), static_cast<std::streamsize>(step.size()));
    const auto read = static_cast<size_t>(file.gcount());
    const size_t end = std::string_view(step.data(), read).find('\n');
    rest.append(step, 0, end == std::string_view::npos ? read : end + 1);
    if (end != std::string_view::npos) break;
    if (rest.size() > kLongest)
      throw DataError(path + " has a line of more than " + std::to_string(kLongest >> 20) + " MiB",
                      "at byte " + std::to_string(place), "lines of texts");
  }
  return rest;
}

bool has_line_feed(const std::string& path, uint64_t within) {
  std::ifstream file(path, std::ios::binary);
  std::string start(within, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return std::string_view(start.data(), static_cast<size_t>(file.gcount())).find('\n') != std::string_view::npos;
}

uint64_t bytes_of(const FilePart& part) {
  uint64_t bytes = 0;
  for (const FilePiece& piece : part) bytes += piece.end - piece.begin;
  return bytes;
}

}  // namespace

std::vector<FilePart> parts_of_large_files(const std::vector<std::string>& files, const ReadOptions& options,
                                           const LargeFileLimits& limits) {
  std::vector<FilePart> parts;
  uint64_t all = 0;
  for (const std::string& path : files) {
    if (!can_be_read_in_parts(path, options)) return {};
    std::error_code error;
    const uint64_t size = fs::file_size(path, error);
    if (error) cannot_read(path);
    all += size;
    if (options.tokens.empty() && size > limits.part_bytes && !has_line_feed(path, limits.part_bytes)) return {};
    const uint64_t step = options.tokens.empty() ? limits.part_bytes : std::max<uint64_t>(1, size);  // JSON stays whole
    for (uint64_t begin = 0; begin < size; begin += step) {
      if (parts.empty() || bytes_of(parts.back()) + std::min(step, size - begin) > limits.part_bytes)
        parts.emplace_back();
      parts.back().push_back({path, begin, std::min(size, begin + step)});
    }
  }
  return all > limits.most_bytes ? parts : std::vector<FilePart>();
}

std::string read_piece(const FilePiece& piece) {
  std::ifstream file(piece.path, std::ios::binary);
  if (!file) cannot_read(piece.path);
  // A line that begins before the piece belongs to the one before, also where it ends at its first byte.
  const uint64_t skipped = piece.begin == 0 ? 0 : rest_of_line(file, piece.begin - 1, piece.path).size();
  const uint64_t begin = piece.begin == 0 ? 0 : piece.begin - 1 + skipped;
  if (begin >= piece.end) return "";
  std::string text(piece.end - begin, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(begin));
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) cannot_read(piece.path);
  return text.back() == '\n' ? text : text + rest_of_line(file, piece.end, piece.path);
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
