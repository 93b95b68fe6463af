#include "tvae/data/token_cache.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/mapped_file.h"
#include "tvae/base/parallel.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

// A dataset is one block of bytes, in memory as on disk: this header, then
//   int64 offsets[sequences + 1]  where each sequence starts in ids
//   int64 rows[sequences]         source rows
//   int32 ids[tokens]
//   char  report[report_size]     what describe_reading says of the file, a line each
struct Header {
  char magic[8];  // with the format's version
  uint64_t key;   // of file, options and tokenizer
  int64_t sequences;
  int64_t tokens;
  int64_t overlong;
  int64_t untokenizable;
  int64_t report_size;
  uint64_t content;   // hash of offsets, rows and ids, seeded with the tokenizer's fingerprint
  uint64_t checksum;  // of the fields above and the report
};
constexpr char kMagic[8] = {'T', 'V', 'A', 'E', 't', 'o', 'k', '1'};
constexpr size_t kChunkRows = 1024;

size_t arrays_size(const Header& header) {
  return sizeof(int64_t) * static_cast<size_t>(2 * header.sequences + 1) +
         sizeof(int32_t) * static_cast<size_t>(header.tokens);
}

uint64_t header_checksum(const Header& header, std::string_view report) {
  return hash_bytes({reinterpret_cast<const char*>(&header), offsetof(Header, checksum)}, hash_bytes(report));
}

/// What one thread makes of some consecutive rows.
struct TokenizedChunk {
  std::vector<int32_t> ids;
  std::vector<int64_t> lengths;
  std::vector<int64_t> rows;
  int64_t overlong = 0;
  int64_t untokenizable = 0;
};

TokenizedChunk tokenize(const std::vector<std::string>& texts, size_t begin, size_t end, const Tokenizer& tokenizer,
                        const TokenizeOptions& options) {
  TokenizedChunk chunk;
  for (size_t row = begin; row < end; ++row) {
    std::vector<int32_t> ids = tokenizer.encode(texts[row]);
    if (!tokenizer.writes(ids, texts[row])) ++chunk.untokenizable;
    if (static_cast<int64_t>(ids.size()) >= options.max_tokens) {
      ++chunk.overlong;
      if (!options.cut) continue;
      ids.resize(options.max_tokens - 1);
    }
    ids.push_back(tokenizer.eos_id());
    chunk.ids.insert(chunk.ids.end(), ids.begin(), ids.end());
    chunk.lengths.push_back(static_cast<int64_t>(ids.size()));
    chunk.rows.push_back(static_cast<int64_t>(row));
  }
  return chunk;
}

std::vector<TokenizedChunk> tokenize_all(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                         const TokenizeOptions& options) {
  std::vector<TokenizedChunk> chunks((texts.size() + kChunkRows - 1) / kChunkRows);
  parallel_for(chunks.size(), [&](size_t i) {
    chunks[i] = tokenize(texts, i * kChunkRows, std::min(texts.size(), (i + 1) * kChunkRows), tokenizer, options);
  });
  return chunks;
}

std::string default_cache_dir() {
  const char* cache_home = std::getenv("XDG_CACHE_HOME");
  if (cache_home && *cache_home) return std::string(cache_home) + "/tvae";
  const char* home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.cache/tvae" : "";
}

uint64_t cache_key(DataFile& file, const Tokenizer& tokenizer, const TokenizeOptions& options) {
  const uint64_t parts[] = {file.fingerprint(), static_cast<uint64_t>(options.max_tokens), options.cut};
  return hash_bytes({reinterpret_cast<const char*>(parts), sizeof parts}, tokenizer.fingerprint());
}

}  // namespace

struct TokenDataset::Storage {
  std::shared_ptr<const std::byte[]> bytes;  // heap or mapping
  Header header;
  const int64_t* offsets;
  const int64_t* rows;
  const int32_t* ids;
  std::string_view report;

  /// Bytes whose header says that they hold all arrays.
  explicit Storage(std::shared_ptr<const std::byte[]> block) : bytes(std::move(block)) {
    std::memcpy(&header, bytes.get(), sizeof header);
    offsets = reinterpret_cast<const int64_t*>(bytes.get() + sizeof header);
    rows = offsets + header.sequences + 1;
    ids = reinterpret_cast<const int32_t*>(rows + header.sequences);
    report = {reinterpret_cast<const char*>(ids + header.tokens), static_cast<size_t>(header.report_size)};
  }

  std::string_view arrays() const { return {reinterpret_cast<const char*>(offsets), arrays_size(header)}; }
  std::string_view whole() const {
    return {reinterpret_cast<const char*>(bytes.get()), sizeof header + arrays_size(header) + report.size()};
  }

  static std::shared_ptr<const Storage> build(const std::vector<std::string>& texts, const std::string& report,
                                              const Tokenizer& tokenizer, const TokenizeOptions& options, uint64_t key);
  /// Null where there is no such file, or it is of something else, or damaged.
  static std::shared_ptr<const Storage> open(const std::string& path, uint64_t key, const Tokenizer& tokenizer,
                                             const TokenizeOptions& options);

  /// Whether the arrays are such as build() makes: hashes are no proof of it, since anybody can compute them.
  bool holds_sequences(const Tokenizer& tokenizer, const TokenizeOptions& options) const;
};

std::shared_ptr<const TokenDataset::Storage> TokenDataset::Storage::build(const std::vector<std::string>& texts,
                                                                          const std::string& report,
                                                                          const Tokenizer& tokenizer,
                                                                          const TokenizeOptions& options,
                                                                          uint64_t key) {
  TVAE_ASSERT(options.max_tokens >= 1, "a sequence holds at least its end");
  const std::vector<TokenizedChunk> chunks = tokenize_all(texts, tokenizer, options);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.key = key;
  header.report_size = static_cast<int64_t>(report.size());
  for (const TokenizedChunk& chunk : chunks) {
    header.sequences += static_cast<int64_t>(chunk.rows.size());
    header.tokens += static_cast<int64_t>(chunk.ids.size());
    header.overlong += chunk.overlong;
    header.untokenizable += chunk.untokenizable;
  }

  std::shared_ptr<std::byte[]> block(new std::byte[sizeof header + arrays_size(header) + report.size()]);
  std::memcpy(block.get(), &header, sizeof header);
  auto* offsets = reinterpret_cast<int64_t*>(block.get() + sizeof header);
  int64_t* rows = offsets + header.sequences + 1;
  auto* ids = reinterpret_cast<int32_t*>(rows + header.sequences);
  *offsets = 0;
  for (const TokenizedChunk& chunk : chunks) {
    for (const int64_t length : chunk.lengths) {
      offsets[1] = offsets[0] + length;
      ++offsets;
    }
    rows = std::copy(chunk.rows.begin(), chunk.rows.end(), rows);
    ids = std::copy(chunk.ids.begin(), chunk.ids.end(), ids);
  }
  std::copy(report.begin(), report.end(), reinterpret_cast<char*>(ids));

  auto storage = std::make_shared<Storage>(block);
  storage->header.content = hash_bytes(storage->arrays(), tokenizer.fingerprint());
  storage->header.checksum = header_checksum(storage->header, report);
  std::memcpy(block.get(), &storage->header, sizeof header);
  return storage;
}

std::shared_ptr<const TokenDataset::Storage> TokenDataset::Storage::open(const std::string& path, uint64_t key,
                                                                         const Tokenizer& tokenizer,
                                                                         const TokenizeOptions& options) {
  const std::optional<MappedFile> file = MappedFile::open(path);
  if (!file || file->bytes().size() < sizeof(Header)) return nullptr;
  const size_t size = file->bytes().size();
  const std::shared_ptr<const std::byte[]> bytes(reinterpret_cast<const std::byte*>(file->bytes().data()),
                                                 [mapped = *file](const std::byte*) {});

  Header header;
  std::memcpy(&header, bytes.get(), sizeof header);
  const auto fits = [size](int64_t count) { return count >= 0 && static_cast<size_t>(count) <= size; };
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key != key) return nullptr;
  if (!fits(header.sequences) || !fits(header.tokens) || !fits(header.report_size)) return nullptr;
  if (size != sizeof header + arrays_size(header) + static_cast<size_t>(header.report_size)) return nullptr;
  auto storage = std::make_shared<const Storage>(bytes);
  if (header.checksum != header_checksum(header, storage->report)) return nullptr;
  if (header.content != hash_bytes(storage->arrays(), tokenizer.fingerprint())) return nullptr;
  return storage->holds_sequences(tokenizer, options) ? storage : nullptr;
}

bool TokenDataset::Storage::holds_sequences(const Tokenizer& tokenizer, const TokenizeOptions& options) const {
  if (offsets[0] != 0 || offsets[header.sequences] != header.tokens) return false;
  for (int64_t i = 0; i < header.sequences; ++i) {
    if (offsets[i] < 0 || offsets[i + 1] <= offsets[i] || offsets[i + 1] > header.tokens) return false;
    if (offsets[i + 1] - offsets[i] > options.max_tokens || ids[offsets[i + 1] - 1] != tokenizer.eos_id()) return false;
    if (rows[i] < 0 || (i > 0 && rows[i] <= rows[i - 1])) return false;
  }
  const int64_t size = tokenizer.size();
  return std::all_of(ids, ids + header.tokens, [size](int32_t id) { return id >= 0 && id < size; });
}

TokenDataset::TokenDataset(std::shared_ptr<const Storage> storage) : storage_(std::move(storage)) {}

int64_t TokenDataset::size() const {
  return storage_->header.sequences;
}
int64_t TokenDataset::tokens() const {
  return storage_->header.tokens;
}
int64_t TokenDataset::overlong() const {
  return storage_->header.overlong;
}
int64_t TokenDataset::untokenizable() const {
  return storage_->header.untokenizable;
}
uint64_t TokenDataset::fingerprint() const {
  return storage_->header.content;
}

std::span<const int32_t> TokenDataset::sequence(int64_t i) const {
  return {storage_->ids + storage_->offsets[i], static_cast<size_t>(length(i))};
}

int64_t TokenDataset::length(int64_t i) const {
  TVAE_ASSERT(i >= 0 && i < size(), "sequence index");
  return storage_->offsets[i + 1] - storage_->offsets[i];
}

int64_t TokenDataset::source_row(int64_t i) const {
  TVAE_ASSERT(i >= 0 && i < size(), "sequence index");
  return storage_->rows[i];
}

TokenDataset TokenDataset::from_texts(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                      const TokenizeOptions& options) {
  return TokenDataset(Storage::build(texts, "", tokenizer, options, 0));
}

TokenDataset TokenDataset::from_file(const std::string& path, const ReadOptions& read, const Tokenizer& tokenizer,
                                     const TokenizeOptions& options, const std::string& cache_dir) {
  DataFile file(path, read);
  return from_file(file, tokenizer, options, cache_dir);
}

TokenDataset TokenDataset::from_file(DataFile& file, const Tokenizer& tokenizer, const TokenizeOptions& options,
                                     const std::string& cache_dir) {
  const std::string folder = cache_dir.empty() ? default_cache_dir() : cache_dir;
  const bool cached = file.path() != "-" && !folder.empty();
  const uint64_t key = cached ? cache_key(file, tokenizer, options) : 0;
  const std::string cache_path =
      folder + "/" + std::filesystem::path(file.path()).filename().string() + "-" + hex(key) + ".tokens";

  std::shared_ptr<const Storage> storage = cached ? Storage::open(cache_path, key, tokenizer, options) : nullptr;
  if (!storage) {
    const Rows& rows = file.rows();
    storage = Storage::build(rows.texts, join(describe_reading(rows, file.path()), "\n"), tokenizer, options, key);
    try {
      if (cached) write_file_atomically(cache_path, storage->whole());
    } catch (const DataError& error) {
      log_warning(std::string("going on without a token cache: ") + error.what());
    }
  }
  if (!storage->report.empty() && !file.is_told())
    for (const std::string& line : split(storage->report, '\n')) log_warning(line);
  if (storage->header.sequences == 0)
    throw DataError(file.path() + ": no usable sequences",
                    "every row longer than " + std::to_string(options.max_tokens) + " tokens", "",
                    "raise data.max_tokens, or set data.overlong=cut");
  return TokenDataset(storage);
}

}  // namespace tvae
