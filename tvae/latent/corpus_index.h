// The texts of a file with their codes, for nearest texts: encoded once, kept beside the model, mapped from then on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tvae/latent/space.h"

namespace tvae {

struct CorpusFile {
  std::string path;            // "-" = stdin
  std::string reading;         // all that shapes the rows that are read, besides the file's bytes and name
  std::function<Rows()> read;  // empty rows among them; what is to be told of them is not told by it
};

/// The different texts that are not empty, as in TextIndex, but with their codes in one block of bytes that is mapped
/// from MODEL/neighbors. A corpus is known again by its bytes, its name and how it is read; the bytes are looked at
/// only where the file's size, times or place on the disk are others than when it was last read. What is kept for other
/// weights, or is damaged, is made again. Copies share the block.
class CorpusIndex {
 public:
  /// Tells what it keeps. Of stdin and pipes it keeps nothing, and where the folder cannot be written it warns. Throws
  /// as LatentSpace::index and `read`.
  static CorpusIndex open(const LatentSpace& space, const CorpusFile& file, Metric metric,
                          Progress& progress = Progress::none());

  /// Whether the codes were there already.
  bool was_kept() const { return was_kept_; }
  int64_t size() const;
  std::string text(size_t i) const;
  /// Which row of the file it is: Rows::numbers of its first.
  int64_t row(size_t i) const;
  std::optional<std::string> label(size_t i) const;
  const CodeSearch& search() const { return search_; }

 private:
  struct Storage;
  CorpusIndex(std::shared_ptr<const Storage> storage, CodeSearch search, bool was_kept)
      : storage_(std::move(storage)), search_(std::move(search)), was_kept_(was_kept) {}
  std::shared_ptr<const Storage> storage_;
  CodeSearch search_;
  bool was_kept_;
};

}  // namespace tvae
