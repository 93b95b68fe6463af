// TensorBoard's event files: protobuf "Event" messages in TFRecord framing (length, masked CRC32C, bytes, masked
// CRC32C). Only the two kinds of event used here are encoded, by hand, so that no protobuf library is needed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tvae/corpus/png.h"

namespace tvae {

class EventWriter {
 public:
  /// A new events.out.tfevents.* file in `directory`, named to sort after those already there, the order in which
  /// TensorBoard reads them. It begins by telling TensorBoard to forget what earlier files say of `first_step` and
  /// later ones: the first step that a resumed run will take. Throws DataError.
  explicit EventWriter(const std::string& directory, int64_t first_step = 0);

  /// Writes one event with all the values and flushes it, so that a running TensorBoard sees it. Throws DataError.
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values);
  /// Shown in TensorBoard's text tab, where it is read as Markdown.
  void text(int64_t step, const std::string& tag, const std::string& content);
  /// A grey image, in TensorBoard's image tab.
  void image(int64_t step, const std::string& tag, const Picture& picture);

  const std::string& path() const { return path_; }

 private:
  void write_record(const std::string& event);

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

/// CRC-32C (Castagnoli), and its masked form that TFRecord stores.
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

}  // namespace tvae
